"""How well a tokenizer suits its corpus, in figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.lookup import made_from
from femtogpt.corpus.schema import SPLITS
from femtogpt.errors import UserError
from femtogpt.tokens.shards import Shard, Tokens
from femtogpt.tokens.tokenizer import Tokenizer
from femtogpt.tokens.vocabulary_sizes import costs
from femtogpt.tokens.word_pieces import Words

RARE = 10  # a piece that occurs less often is learned badly
LONGEST = 12  # pieces that are named
BLOCK = 1 << 22  # tokens looked at at once


def figures(tokens: Artifact, corpus: Artifact, sizes: Iterable[int], width: int = 256) -> dict:
    """All that the report says, as a JSON value.

    ``sizes`` are vocabularies to compare; that of ``tokens`` is compared as well. ``width`` is
    the model's: the embedding has ``pieces × width`` parameters. Raises UserError where the
    tokenizer that made the tokens is no longer there.
    """
    made = made_from(tokens, "tokenizer", tokens.path.resolve().parents[1])
    settings = made.manifest["config"]
    if "weights" not in settings:
        raise UserError(f"{made.path} is of an earlier version: run make pipeline again")
    data = Tokens(tokens.path)
    tokenizer = data.tokenizer()
    sizes = sorted({tokenizer.size, *sizes})
    possible, largest = costs(corpus, settings, sizes)
    for cost in possible:
        cost["embedding_parameters"] = cost["pieces"] * width
    return {
        "sources": _sources(data, tokenizer),
        "vocabulary": _vocabulary(data, tokenizer),
        "width": width,
        "sizes": possible,
        "impossible": sorted(set(sizes) - {cost["pieces"] for cost in possible}),
        "largest": largest,
    }


def _sources(data: Tokens, tokenizer: Tokenizer) -> dict:
    words = Words(tokenizer)
    sources: dict[str, dict] = {}
    for split in SPLITS:
        for source, shards in data.shards(split).items():
            part = data.index["splits"][split][source]
            counts = {what: part[what] for what in ("documents", "characters", "tokens")}
            counts["characters_per_token"] = part["characters"] / max(1, part["tokens"])
            if split == "held_out":
                counts |= _fit(shards, words, tokenizer.bytes, part["characters"])
            sources.setdefault(source, {})[split] = counts
    return sources


def _fit(shards: Sequence[Shard], words: Words, values: np.ndarray, characters: int) -> dict:
    """How much of a text has pieces, and how its words are cut."""
    tokens = spelled_tokens = spelled = count = whole = pieces = 0
    for shard in shards:
        for entry in shard.documents():
            ids = shard.ids[entry.start + 1 : entry.start + 1 + entry.tokens]
            bytes_ = values[ids]
            tokens += len(ids)
            spelled_tokens += int(np.count_nonzero(bytes_ >= 0))
            spelled += int(np.count_nonzero((bytes_ >= 0) & (bytes_ & 0xC0 != 0x80)))
            _, cut = words.cut(ids)
            count += len(cut)
            whole += int(np.count_nonzero(cut == 1))
            pieces += int(cut.sum())
    return {
        "covered_characters": 1 - spelled / max(1, characters),
        "byte_tokens": spelled_tokens / max(1, tokens),
        "words": count,
        "whole_words": whole / max(1, count),
        "pieces_per_word": pieces / max(1, count),
    }


def _vocabulary(data: Tokens, tokenizer: Tokenizer) -> dict:
    """Pieces that are rare in the train split, and the longest, each with its count there."""
    counts = np.zeros(tokenizer.size, dtype=np.int64)
    for shards in data.shards("train").values():
        for shard in shards:
            for start in range(0, shard.tokens, BLOCK):
                ids = shard.ids[start : start + BLOCK]
                counts += np.bincount(ids, minlength=tokenizer.size)
    texts = tokenizer.pieces
    ids = sorted((id for id in range(tokenizer.size) if texts[id]), key=lambda id: counts[id])
    longest = sorted(ids, key=lambda id: (-len(texts[id].strip(" ")), texts[id]))
    return {
        "pieces": tokenizer.size,
        "never": [texts[id] for id in ids if counts[id] == 0],
        "rare": [[texts[id], int(counts[id])] for id in ids if 0 < counts[id] < RARE],
        "longest": [[texts[id], int(counts[id])] for id in longest[:LONGEST]],
    }
