"""Statistics on how well a tokenizer suits its corpus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.lookup import made_from
from femtogpt.corpus.schema import SPLITS
from femtogpt.errors import UserError
from femtogpt.tokens.shards import Shard, Tokens
from femtogpt.tokens.tokenizer import Tokenizer
from femtogpt.tokens.vocabulary_sizes import compare_sizes
from femtogpt.tokens.word_pieces import WordSplitter

RARE = 10  # a piece that occurs less often is learned badly
LONGEST_PIECES = 12  # how many of the longest pieces are listed
BLOCK = 1 << 22  # tokens counted at once


def compute_stats(
    tokens: Artifact, corpus: Artifact, sizes: Iterable[int], width: int = 256
) -> dict[str, Any]:
    """Everything in the report, as a JSON value.

    ``sizes`` are the vocabulary sizes to compare with that of ``tokens``. ``width`` is the model's:
    its embedding has ``pieces × width`` parameters. Raises UserError if the tokenizer that made the
    tokens no longer exists.
    """
    artifact = made_from(tokens, "tokenizer", tokens.path.resolve().parents[1])
    settings = artifact.manifest["config"]
    if "weights" not in settings:
        raise UserError(f"{artifact.path} is from an earlier version: run make pipeline again")
    data = Tokens(tokens.path)
    tokenizer = data.tokenizer()
    sizes = sorted({tokenizer.size, *sizes})
    possible, largest = compare_sizes(corpus, settings, sizes)
    for stats in possible:
        stats["embedding_parameters"] = stats["pieces"] * width
    return {
        "sources": source_stats(data, tokenizer),
        "vocabulary": vocabulary_stats(data, tokenizer),
        "width": width,
        "sizes": possible,
        "impossible": sorted(set(sizes) - {stats["pieces"] for stats in possible}),
        "largest": largest,
    }


def source_stats(data: Tokens, tokenizer: Tokenizer) -> dict[str, dict[str, Any]]:
    """By source and split the counts; of held-out text also how its words are split."""
    words = WordSplitter(tokenizer)
    sources: dict[str, dict[str, Any]] = {}
    for split in SPLITS:
        for source, shards in data.shards(split).items():
            totals = data.index["splits"][split][source]
            stats = {key: totals[key] for key in ("documents", "characters", "tokens")}
            stats["characters_per_token"] = totals["characters"] / max(1, totals["tokens"])
            if split == "held_out":
                stats |= _coverage(shards, words, tokenizer.bytes, totals["characters"])
            sources.setdefault(source, {})[split] = stats
    return sources


def _coverage(
    shards: Sequence[Shard], words: WordSplitter, byte_values: np.ndarray, characters: int
) -> dict[str, float]:
    """How much of a text has pieces of its own, and how its words are split.

    ``byte_values`` are the tokenizer's ``bytes``; ``characters`` is the length of the text.
    """
    tokens = byte_tokens = byte_characters = count = unsplit = pieces = 0
    for shard in shards:
        for entry in shard.documents():
            ids = shard.ids[entry.start + 1 : entry.start + 1 + entry.tokens]
            values = byte_values[ids]
            tokens += len(ids)
            byte_tokens += int(np.count_nonzero(values >= 0))
            byte_characters += int(np.count_nonzero((values >= 0) & (values & 0xC0 != 0x80)))
            _, word_pieces = words.split(ids)
            count += len(word_pieces)
            unsplit += int(np.count_nonzero(word_pieces == 1))
            pieces += int(word_pieces.sum())
    return {
        "covered_characters": 1 - byte_characters / max(1, characters),
        "byte_tokens": byte_tokens / max(1, tokens),
        "words": count,
        "whole_words": unsplit / max(1, count),
        "pieces_per_word": pieces / max(1, count),
    }


def vocabulary_stats(data: Tokens, tokenizer: Tokenizer) -> dict[str, Any]:
    """The pieces that are rare in the train split, and the longest, each with its count there."""
    counts = np.zeros(tokenizer.size, dtype=np.int64)
    for shards in data.shards("train").values():
        for shard in shards:
            for start in range(0, shard.tokens, BLOCK):
                block = shard.ids[start : start + BLOCK]
                counts += np.bincount(block, minlength=tokenizer.size)
    texts = tokenizer.pieces
    ids = sorted((id for id in range(tokenizer.size) if texts[id]), key=lambda id: int(counts[id]))
    longest = sorted(ids, key=lambda id: (-len(texts[id].strip(" ")), texts[id]))
    return {
        "pieces": tokenizer.size,
        "never": [texts[id] for id in ids if counts[id] == 0],
        "rare": [[texts[id], int(counts[id])] for id in ids if 0 < counts[id] < RARE],
        "longest": [[texts[id], int(counts[id])] for id in longest[:LONGEST_PIECES]],
    }
