"""Figures of parts of a text: by source, author, work and kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from femtogpt.evaluation.intervals import Difference, Figure, figure, paired_difference

LEVELS = ("source", "kind", "author", "work")


@dataclass(frozen=True)
class Part:
    """Some documents, and what each model makes of them."""

    level: str  # all, or one of LEVELS
    name: str
    figures: Sequence[Figure]  # in the order of the models
    difference: Difference | None  # of the second from the first, if there are two


def parts(scores: Sequence[pl.DataFrame]) -> Iterator[Part]:
    """The whole, and its parts at every level that has several, the largest first.

    ``scores`` are tables of the same documents, one for each model. What has no author is in no
    part by author.
    """
    yield _part("all", "all", scores)
    for level in LEVELS:
        key = ["source", "work"] if level == "work" else [level]
        sizes = scores[0].drop_nulls(key).group_by(key).agg(pl.col("characters").sum())
        if len(sizes) < 2:
            continue
        descending = [True, *(False for _ in key)]
        for values in sizes.sort(["characters", *key], descending=descending).rows():
            chosen = pl.all_horizontal(
                pl.col(name) == value for name, value in zip(key, values, strict=False)
            )
            own = [table.filter(chosen) for table in scores]
            yield _part(level, _title(own[0]) if level == "work" else values[0], own)


def _title(scores: pl.DataFrame) -> str:
    """What a person calls the work that these documents are of."""
    row = scores.row(0, named=True)
    title = row["title"] or row["work"]
    return f"{row['author']}. {title}" if row["author"] else title


def _part(level: str, name: str, tables: Sequence[pl.DataFrame]) -> Part:
    difference = paired_difference(*tables) if len(tables) == 2 else None
    return Part(level, name, [figure(table) for table in tables], difference)
