"""Split a large work into parts of about equal size, to hold some of them out.

A part begins at a heading if there is one near, or else at a paragraph; only a text without line
ends is cut after a sentence or between words. Nothing is lost but the white space between parts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from femtogpt.corpus.balance import STORED

PART_CHARACTERS = 10_000  # of a part, about: a work of less than two parts stays whole
_PART = re.compile(r", part \d{3,}\Z")
_HEADING = re.compile(
    r"(?m)^[^\S\n]*(?:(?:глава|часть|книга|том|раздел|действие|акт|сцена|явление|песнь|письмо"
    r"|эпилог|пролог|введение|заключение|лекция|урок|день|chapter|part)\b[^\n]{0,60}"
    r"|[IVXLC]{1,7}\.?|\d{1,3}\.?|[*⁂ ]{3,9})[^\S\n]*$",
    re.IGNORECASE,
)
_PLACES = (_HEADING, re.compile(r"(?<=\n\n)\S"), re.compile(r"(?m)^\S"))  # where a part begins
_INSIDE = (re.compile(r"(?<=[.!?…] )\S"), re.compile(r"(?<=\s)\S"), re.compile(r"(?s)."))


def chapters(text: str, size: int = PART_CHARACTERS) -> list[str]:
    """The parts of a text, each of ``size`` characters give or take a half; the last up to 1.5."""
    parts, start = [], 0
    while len(text) - start > 1.5 * size:
        end = _next_start(text, start + size // 2, start + size, start + size + size // 2)
        parts.append(text[start:end].strip())
        start = end
    parts.append(text[start:].strip())
    return [part for part in parts if part]


def _next_start(text: str, first: int, wanted: int, last: int) -> int:
    """The best place for a part to begin, from ``first`` to ``last``, near ``wanted``."""
    for place in (*_PLACES, *_INSIDE):
        if starts := [match.start() for match in place.finditer(text, first, last)]:
            return min(starts, key=lambda start: abs(start - wanted))
    return wanted


def part_id(id: str, number: int) -> str:
    """The id of a work's part, which are counted from 1."""
    return f"{id}, part {number:03d}"


def is_part_id(id: str) -> bool:
    """Whether an id may be that of a part; with chapters as the unit, no work has such a one."""
    return _PART.search(id) is not None


def work_of(id: str, settings: Mapping[str, Any]) -> str:
    """The id of the work that a document is, or is a part of, in a corpus with these settings."""
    return _PART.sub("", id) if settings.get("unit") == "chapter" else id


def split_works(frame: pl.DataFrame) -> pl.DataFrame:
    """Cleaned documents with the large ones in parts, if they passed the filters.

    What is STORED of a work, such as its balance, stays with its first part.
    """
    large = frame["rule"].is_null() & (frame["characters"] >= 2 * PART_CHARACTERS)
    rows: list[pl.DataFrame] = []
    for number, row in enumerate(frame.iter_slices(1)):
        if not large[number]:
            rows.append(row)
            continue
        texts = chapters(row["text"].item())
        ids = [part_id(row["id"].item(), part) for part in range(1, len(texts) + 1)]
        parts = pl.concat([row] * len(texts)).with_columns(
            pl.Series("id", ids),
            pl.Series("text", texts),
            characters=pl.Series(map(len, texts), dtype=pl.Int64),
            entropy_bits=pl.lit(None, pl.Float64),
        )
        first = pl.int_range(pl.len()) == 0
        rows.append(parts.with_columns(pl.when(first).then(pl.col(list(STORED)))))
    return pl.concat(rows) if rows else frame
