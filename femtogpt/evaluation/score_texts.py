"""Scoring texts that are in no token shards: encoded in memory, by any tokenizer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from femtogpt.evaluation.document_scores import Row, counts, table
from femtogpt.model.score import PREDICTIONS, Scorer, score_shards
from femtogpt.progress import progress
from femtogpt.tokens.shards import Entry


@dataclass(frozen=True)
class EncodedTexts:
    """Documents as ids in memory: what ``femtogpt.model.score`` reads of a shard."""

    ids: NDArray[np.integer]
    entries: list[Entry]

    @classmethod
    def of(
        cls, documents: Sequence[tuple[NDArray[np.integer], int]], start: int, end: int | None
    ) -> EncodedTexts:
        """Documents as (ids, characters), each between a start and an end token.

        Without an ``end`` the last token of a document is the last that is predicted.
        """
        parts: list[NDArray[np.integer]] = []
        entries, position = [], 0
        for number, (ids, characters) in enumerate(documents):
            ends = [] if end is None else [end]
            parts.append(np.concatenate([[start], ids, ends]).astype(np.int64))
            predicted = len(parts[-1]) - 1
            entries.append(Entry(str(number), position, predicted - 1, characters, None))
            position += len(parts[-1])
        return cls(np.concatenate(parts), entries)

    def documents(self) -> list[Entry]:
        return self.entries


def score_texts(
    texts: pl.DataFrame,
    encoded: EncodedTexts,
    model: Scorer,
    context: int,
    title: str,
    predictions: int = PREDICTIONS,
) -> pl.DataFrame:
    """The scores of documents (TEXTS), ``encoded`` in the same order. ``title`` is for progress."""
    total = sum(entry.tokens + 1 for entry in encoded.entries)
    with progress(title, total, "tokens") as update:
        scores = _scores(model, encoded, context, predictions, update)
    names = texts.select("source", "id").iter_rows()
    rows: list[Row] = [
        (source, id, tokens, bits)
        for (source, id), (tokens, bits) in zip(names, scores, strict=True)
    ]
    return table(texts, counts(rows))


def _scores(
    model: Scorer,
    encoded: EncodedTexts,
    context: int,
    predictions: int,
    update: Callable[[int], None],
) -> list[tuple[int, float]]:
    scored = score_shards(model, [encoded], context, predictions, update)
    return [(score.tokens, score.nats / math.log(2)) for _, score in scored]
