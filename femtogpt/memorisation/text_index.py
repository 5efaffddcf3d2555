"""The train split, indexed: where any part of a text stands in it verbatim or nearly so.

Its files are mapped into memory; only the list of works is read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from femtogpt.errors import UserError
from femtogpt.memorisation.character_ranks import CharacterRanks
from femtogpt.memorisation.index_layout import ABOUT, AT_LEAST, SUFFIXES, TEXT, WORKS, Work
from femtogpt.memorisation.near_verbatim import nearly_verbatim
from femtogpt.memorisation.suffix_search import Ints, Part
from femtogpt.memorisation.text_query import TextQuery


@dataclass(frozen=True)
class Stretch:
    """Characters ``start`` to ``end`` of a text, which stand verbatim in a work, from ``place`` on.

    Where they stand in several places, it is the first one in the order of the corpus.
    """

    start: int
    end: int
    work: Work
    place: int

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class NearStretch(Stretch):
    """As a stretch, with ``changes`` letters replaced, left out or put in.

    The work has it from ``place`` to ``place_end``.
    """

    place_end: int
    changes: int


class TextIndex:
    """The index of a train split."""

    def __init__(self, folder: Path):
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        self.characters = CharacterRanks(about["characters"])
        self._text = _mapped(folder / TEXT, self.characters.dtype)
        suffixes = _mapped(folder / SUFFIXES, np.dtype("<i4"))
        bounds = about["parts"]
        self._parts = [Part(start, end, suffixes[start:end]) for start, end in bounds]
        self._works = pl.read_parquet(folder / WORKS)
        self._starts = self._works["start"].to_numpy()

    @classmethod
    def open(cls, folder: Path) -> TextIndex:
        """The index in an artifact's folder. Raises UserError if there is none."""
        try:
            return cls(folder)
        except (OSError, ValueError, KeyError, pl.exceptions.PolarsError) as error:
            raise UserError(f"{folder} holds no text index: make pipeline makes it") from error

    @property
    def authors(self) -> set[str]:
        """Those of the works, where they are known."""
        return set(self._works["author"].drop_nulls())

    def stretches(self, text: str, at_least: int = AT_LEAST) -> list[Stretch]:
        """What stands verbatim in a work and does not if it is longer, in order.

        Two may overlap; none is inside another.
        """
        query = self._query(text)
        return self._placed(query, *query.maximal(at_least))

    def longest(self, text: str) -> Stretch | None:
        """The longest stretch, the first of several; None if no character is known."""
        query = self._query(text)
        start, end = query.longest()
        return next(iter(self._placed(query, np.array([start]), np.array([end]))), None)

    def nearly(self, text: str) -> NearStretch | None:
        """The longest stretch with at most one change in twenty letters (``near_verbatim``)."""
        near = nearly_verbatim(self._query(text), self._text)
        if near is None:
            same = self.longest(text)
            if same is None:
                return None
            place_end = same.place + len(same)
            return NearStretch(same.start, same.end, same.work, same.place, place_end, 0)
        work, start = self._work(near.place)
        place, place_end = near.place - start, near.place_end - start
        return NearStretch(near.start, near.end, work, place, place_end, near.changes)

    def passage(self, work: Work, start: int, end: int) -> str:
        """The characters of a work from one place to another."""
        row = self._works.filter(source=work.source, id=work.id)
        first = row["start"].item()
        return self.characters.text(self._text[first + start : first + end])

    def _query(self, text: str) -> TextQuery:
        return TextQuery(self._text, self._parts, self.characters.ranks(text))

    def _placed(self, query: TextQuery, starts: Ints, ends: Ints) -> list[Stretch]:
        starts, ends = starts[starts < ends], ends[starts < ends]
        found = []
        for start, end, place in zip(starts, ends, query.first_places(starts, ends), strict=True):
            work, begin = self._work(int(place))
            found.append(Stretch(int(start), int(end), work, int(place) - begin))
        return found

    def _work(self, place: int) -> tuple[Work, int]:
        """The work at a place of the whole text, and where it begins."""
        number = int(np.searchsorted(self._starts, place, "right")) - 1
        row = self._works.row(number, named=True)
        start = row.pop("start")
        return Work(**row), start


def _mapped(file: Path, dtype: np.dtype) -> np.ndarray:
    """A file's numbers, read when they are looked at."""
    return np.memmap(file, dtype, "r").view(np.ndarray)
