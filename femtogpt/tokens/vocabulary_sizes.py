"""What other vocabulary sizes would cost.

Only the largest vocabulary is trained, and the smaller ones are cut from it: byte-pair encoding
adds one merge after another, so a small vocabulary is the beginning of a large one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import polars as pl
from sentencepiece import sentencepiece_model_pb2

from femtogpt.artifacts.artifact import Artifact
from femtogpt.corpus.schema import SPLITS, parts
from femtogpt.parallel import workers
from femtogpt.progress import progress
from femtogpt.tokens.tokenizer import Tokenizer, sample_lines, train
from femtogpt.tokens.word_pieces import WordSplitter

UNIT = r" *[^ \n]+| +"  # no piece spans two of these
_model_pb2: Any = sentencepiece_model_pb2  # protobuf adds its classes at run time
ModelProto = _model_pb2.ModelProto


def compare_sizes(
    corpus: Artifact, settings: dict[str, Any], sizes: Iterable[int]
) -> tuple[list[dict[str, Any]], int]:
    """The figures of each size that the corpus allows (see ``_size_stats``), and the largest one.

    ``settings`` are the tokenizer's: ``character_coverage``, ``special``, ``weights`` and
    ``sample_characters``.
    """
    sizes = sorted(set(sizes))
    total = sum(corpus.counts[f"{split}_characters"] for split in SPLITS)
    with progress("words", total, "characters") as update:
        units = _count_units(corpus, update)
    with progress("vocabularies", 1 + len(sizes)) as update:
        update(0, f"training {sizes[-1]:,} pieces")
        lines = sample_lines(corpus, settings["weights"], settings["sample_characters"])
        coverage, special = settings["character_coverage"], settings["special"]
        model = train(lines, sizes[-1], coverage, special, at_most=True)
        stats = []
        for number, size in enumerate(sizes, 1):
            update(number, f"{size:,} pieces")
            try:
                smaller = truncate_vocabulary(model, size)
            except ValueError:
                continue
            stats.append(_size_stats(Tokenizer(smaller), units, corpus))
    return stats, len(ModelProto.FromString(model).pieces)


def truncate_vocabulary(model: bytes, size: int) -> bytes:
    """The model with ``size`` pieces that the same training would have produced.

    Raises ValueError if the model is smaller than that, or if ``size`` leaves no room for bytes,
    letters and special pieces.
    """
    proto = ModelProto.FromString(model)
    pieces = proto.pieces
    normal = ModelProto.SentencePiece.NORMAL
    merged = [n for n, piece in enumerate(pieces) if piece.type == normal and len(piece.piece) > 1]
    drop = len(pieces) - size
    if not 0 <= drop <= len(merged):
        least = len(pieces) - len(merged)
        raise ValueError(f"{size} pieces: from {least} to {len(pieces)} are possible")
    if drop:
        end = merged[-1] + 1
        for piece in pieces[end:]:  # the letters come last, and each scores lower by one
            piece.score += drop
        del pieces[end - drop : end]
    proto.trainer_spec.vocab_size = size
    serialized: bytes = proto.SerializeToString()
    return serialized


def _count_units(corpus: Artifact, update: Callable[[float], None]) -> pl.DataFrame:
    """How often each unit occurs in each split: columns unit, train, held_out.

    A unit is a word with the spaces and punctuation attached to it. A corpus has far fewer
    different units than words.
    """
    counts = pl.DataFrame(schema={"unit": pl.String} | dict.fromkeys(SPLITS, pl.Int64))
    done = 0
    for split in SPLITS:
        for _, file in parts(corpus, split):
            texts = pl.read_parquet(file, columns=["text"])["text"]
            units = texts.str.extract_all(UNIT).explode().drop_nulls().alias("unit")
            file_counts = units.value_counts(name=split).cast({split: pl.Int64})
            lines = {"unit": "\n", split: int(texts.str.count_matches("\n").sum())}
            counts = (
                pl.concat([counts, file_counts, pl.DataFrame([lines])], how="diagonal")
                .group_by("unit")
                .agg(pl.sum(*SPLITS))
            )
            done += int(texts.str.len_chars().sum())
            update(done)
    return counts


def _size_stats(tokenizer: Tokenizer, units: pl.DataFrame, corpus: Artifact) -> dict[str, Any]:
    """The number of tokens in both splits, and how held-out words are split.

    The end of a document counts as a token, as in the shards.
    """
    newline = units.filter(pl.col("unit") == "\n")
    units = units.filter(pl.col("unit") != "\n")
    held_out = units["held_out"].to_numpy()
    [ids] = tokenizer.encode_documents(["\n".join(units["unit"])], workers())
    ends = ids == tokenizer.encode("\n")[0]
    unit = np.cumsum(ends)  # the number of each token's unit; a line end counts to the next
    tokens = np.bincount(unit[~ends], minlength=units.height)
    total = {
        split: int(tokens @ units[split].to_numpy() + newline[split].sum())
        + corpus.counts[f"{split}_documents"]
        for split in SPLITS
    }
    first, pieces = WordSplitter(tokenizer).split(ids)
    times = held_out[unit[first]]
    words = max(1, int(times.sum()))
    return {
        "pieces": tokenizer.size,
        "characters_per_token": corpus.counts["held_out_characters"] / total["held_out"],
        "whole_words": int(times[pieces == 1].sum()) / words,
        "pieces_per_word": int(times @ pieces) / words,
        "train_tokens": total["train"],
        "held_out_tokens": total["held_out"],
    }
