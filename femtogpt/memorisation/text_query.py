"""A text, looked up in an indexed one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from femtogpt.memorisation.character_ranks import Ranks
from femtogpt.memorisation.suffix_search import END, Ints, Part, common, position

AT_ONCE = 64  # characters: longer matches are few, and looked for one by one
OCCURRENCES = 1 << 20  # that are handled at once


class Matches(NamedTuple):
    """Where parts of a text stand in the indexed one. Each is as long as it can be there."""

    starts: Ints
    ends: Ints
    places: Ints


class TextQuery:
    """The matches of a text. Positions in it count from 0, also below 0 for what is before it."""

    def __init__(self, text: Ranks, parts: Sequence[Part], ranks: Ranks):
        """``ranks`` are those of the text that is looked up, ``text`` the indexed one."""
        self.length = len(ranks)
        self._text, self._parts = text, parts
        self._query = np.concatenate([[END], ranks, [END]]).astype(np.int32)
        self._crossing = self._matches_across_parts()
        self._crossed = np.zeros(self.length + 1, np.int64)  # how far they reach, by start
        np.maximum.at(self._crossed, self._crossing.starts, self._crossing.ends)
        self._crossed = np.maximum.accumulate(self._crossed)

    def common(self, starts: Ints, places: Ints, step: int = 1) -> Ints:
        """How far both texts agree from these positions on, in steps of 1 or −1."""
        return common(self._query, starts + 1, self._text, places, step)

    def at(self, positions: Ints) -> Ranks:
        """The characters at positions; END before and after the text."""
        return self._query.take(positions + 1, mode="clip")

    def reach(self, starts: Ints, most: Ints) -> Ints:
        """How many characters from each start stand in the indexed text, ``most`` at most."""
        most = np.minimum(most, self.length - starts)
        best = np.minimum(np.maximum(self._crossed[starts] - starts, 0), most)
        for part in self._parts:
            same = position(part, self._text, self._query, starts + 1, most)[1]
            best = np.maximum(best, same)
        return best

    def maximal(self, at_least: int) -> tuple[Ints, Ints]:
        """Starts and ends of what stands in the indexed text and does not if it is longer.

        In order; those shorter than ``at_least`` are left out.
        """
        windows = np.arange(max(0, self.length - at_least + 1))
        known = self.reach(windows, np.full(len(windows), at_least)) == at_least
        edges = np.flatnonzero(np.diff(known, prepend=False, append=False))
        starts, limits = edges[::2], edges[1::2] + at_least - 1  # of rows of known windows
        found_starts, found_ends = [starts[:0]], [starts[:0]]
        while starts.size:
            ends = starts + self.reach(starts, self.length - starts)
            found_starts.append(starts)
            found_ends.append(ends)
            goes_on = ends < limits
            starts, ends, limits = starts[goes_on], ends[goes_on], limits[goes_on]
            starts = self._least_start(starts, ends + 1, at_least)
        starts, ends = np.concatenate(found_starts), np.concatenate(found_ends)
        order = np.argsort(starts, kind="stable")
        return starts[order], ends[order]

    def _least_start(self, starts: Ints, ends: Ints, at_least: int) -> Ints:
        """Where the longest known stretch begins that ends there: after ``starts``.

        It has ``at_least`` characters.
        """
        unknown, known = starts, ends - at_least
        while (known - unknown > 1).any():
            middle = (unknown + known + 1) // 2
            is_known = self.reach(middle, ends - middle) == ends - middle
            unknown, known = np.where(is_known, unknown, middle), np.where(is_known, middle, known)
        return known

    def longest(self) -> tuple[int, int]:
        """The start and the end of the longest part that stands in the indexed text."""
        starts = np.arange(self.length)
        reach = self.reach(starts, np.full(self.length, AT_ONCE))
        if not reach.any():
            return 0, 0
        ends = starts + reach
        if reach.max() == AT_ONCE:
            starts, ends = self.maximal(AT_ONCE)
        best = int((ends - starts).argmax())
        return int(starts[best]), int(ends[best])

    def first_places(self, starts: Ints, ends: Ints) -> Ints:
        """The first place in the indexed text at which each of these parts stands."""
        never = len(self._text)
        places = np.full(len(starts), never)
        for part, low, high in self._intervals(starts, ends - starts):
            for row in np.flatnonzero((low < high) & (places == never)):
                places[row] = part.start + part.suffixes[low[row] : high[row]].min()
        known = self._crossing
        for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
            here = (known.starts <= start) & (known.ends >= end)
            across = (known.places + start - known.starts)[here]
            places[number] = min(places[number], across.min(initial=never))
        return places

    def all_matches(self, at_least: int) -> Iterator[Matches]:
        """All matches of ``at_least`` characters, some at a time."""
        starts = np.arange(max(0, self.length - at_least + 1))
        for part, low, high in self._intervals(starts, np.full(len(starts), at_least)):
            found = np.flatnonzero(low < high)
            cuts = np.cumsum((high - low)[found]) // OCCURRENCES
            for some in np.split(found, np.flatnonzero(np.diff(cuts)) + 1):
                yield self._matches(part, some, low[some], high[some])
        long = self._crossing.ends - self._crossing.starts >= at_least
        yield Matches(*(column[long] for column in self._crossing))

    def _matches(self, part: Part, starts: Ints, low: Ints, high: Ints) -> Matches:
        """Those that begin there and not before."""
        counts = high - low
        rows = np.repeat(low - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        starts, places = np.repeat(starts, counts), part.start + part.suffixes[rows].astype(int)
        begins = self.at(starts - 1) != self._text[places - 1]
        starts, places = starts[begins], places[begins]
        return Matches(starts, starts + self.common(starts, places), places)

    def _intervals(self, starts: Ints, lengths: Ints) -> Iterator[tuple[Part, Ints, Ints]]:
        """The suffixes of each part that begin with each pattern: the first, and that after all."""
        for part in self._parts:
            low, high = (
                position(part, self._text, self._query, starts + 1, lengths, past)[0]
                for past in (False, True)
            )
            yield part, low, high

    def _matches_across_parts(self) -> Matches:
        """The matches that go on from one part of the indexed text into the next."""
        positions = np.arange(self.length + 1)
        found = [Matches(positions[:0], positions[:0], positions[:0])]
        for part in self._parts[1:]:
            border = np.full(len(positions), part.start)
            back = self.common(positions - 1, border - 1, -1)
            ahead = self.common(positions, border)
            across = (back > 0) & (ahead > 0)
            columns = (positions - back, positions + ahead, border - back)
            found.append(Matches(*(column[across] for column in columns)))
        return Matches(*map(np.concatenate, zip(*found, strict=True)))
