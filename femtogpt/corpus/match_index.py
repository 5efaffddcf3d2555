"""Finds the long stretches of a text that stand in some known texts too.

The known texts are cut into blocks of half the least length: whatever stretch of that length a
text shares with them, it holds one whole block. The hash of every block is kept, and a text is
looked through at all its places. Where a block occurs more than once, it is left open what it is
a part of: so of such blocks the hashes of all stretches around them are kept. What is found is
compared with the texts themselves. Time grows with the texts and not with the occurrences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np

from femtogpt.corpus.letters import letters
from femtogpt.corpus.packed_documents import Packed
from femtogpt.corpus.rolling_hash import aligned, characters, hashes, rolling

SPARSE = 6  # bits of the filter beyond those that number the hashes: 1 in 64 passes by chance
LARGEST = 24  # bits of the filter at most: 16 MB
OFTEN = -1  # the place of a block that occurs more than once
_NONE = np.empty(0, np.uint64), np.empty(0, np.int64)  # hashes and places


class Stretch(NamedTuple):
    """``text[start:end]`` stands in the known text number ``document`` from ``offset`` on."""

    start: int
    end: int
    document: int
    offset: int


class Characters:
    """A text as all its characters."""

    def __init__(self, text: str):
        self.codes = characters(text)  # what is compared

    @cached_property
    def places(self) -> np.ndarray:
        """Where in the text they stand."""
        return np.arange(len(self.codes))


class Letters:
    """A text as its letters alone: lines, marks, capitals and ё may differ."""

    def __init__(self, text: str):
        found = letters(characters(text))
        self.places = np.flatnonzero(found != 0)  # of booleans: three times as fast
        self.codes = found.take(self.places)


class Index:
    """What stands in known texts, to find it in others: 16 bytes for each block."""

    def __init__(
        self,
        texts: Packed,
        length: int,
        view: Callable[[str], Characters | Letters] = Characters,
    ):
        """``length``: the least length of a stretch in what ``view`` makes of texts, 2 or more."""
        self.texts, self.length, self.view = texts, length, view
        self.size = (length + 1) // 2  # then any ``length`` in a row hold a whole block
        self._reach = length - self.size  # of a stretch outside of its block
        found = [_NONE]
        for document in range(len(texts)):
            first, seen = self._seen(document)
            blocks = aligned(seen.codes, self.size)
            found.append((blocks, first + seen.places[:: self.size][: len(blocks)]))
        keys, places = _joined(found)
        first, count = np.unique(keys, return_index=True, return_counts=True)[1:]
        self._blocks = Table(keys[first], np.where(count > 1, OFTEN, places[first]))
        self._stretches = self._around(places[np.isin(keys, keys[first[count > 1]])])

    def __len__(self) -> int:
        """How many different blocks there are."""
        return len(self._blocks.keys)

    def _seen(self, document: int) -> tuple[int, Characters | Letters]:
        """The place where a known text begins, and what is seen of it."""
        first, end = self.texts.bounds(document)
        return first, self.view(self.texts.part(first, end))

    def _around(self, often: np.ndarray) -> Table:
        """All stretches of ``length`` that hold one of the blocks at these places."""
        documents = self.texts.documents(often)
        found = [_NONE]
        for document in np.unique(documents).tolist():
            first, seen = self._seen(document)
            blocks = np.searchsorted(seen.places, often[documents == document] - first)
            starts = self._starts(blocks, len(seen.codes))
            found.append((hashes(seen.codes, self.length)[starts], first + seen.places[starts]))
        keys, places = _joined(found)
        first = np.unique(keys, return_index=True)[1]
        return Table(keys[first], places[first])

    def _starts(self, blocks: np.ndarray, size: int) -> np.ndarray:
        """Where stretches of ``length`` begin that hold one of these blocks, given in order."""
        first = np.maximum(blocks - self._reach, np.append(0, blocks[:-1] + 1))
        counts = blocks - first + 1
        shift = first - (np.cumsum(counts) - counts)
        starts = np.arange(counts.sum()) + np.repeat(shift, counts)
        return starts[starts <= size - self.length]

    def shared(self, seen: Characters | Letters) -> list[Stretch]:
        """The stretches of ``length`` or more of a text that also stand in a known one, by start.

        None could be longer at its place. They may overlap and touch. Every stretch that is
        shared lies inside of the runs that they form together; one that makes no run longer
        may be left out.
        """
        found: set[Stretch] = set()
        run = 0, 0  # the last one
        hits, reaches, places = self._hits(seen.codes)
        at = 0
        while at < len(hits):
            hit, reach, place = int(hits[at]), int(reaches[at]), int(places[at])
            at += 1
            if run[0] <= max(hit - reach, 0) and min(hit + self.length, len(seen.codes)) <= run[1]:
                if hit - self._reach >= run[0]:  # nothing new before the end of the run is near
                    at = max(at, int(np.searchsorted(hits, run[1] - self.length, "right")))
                continue
            start, end, document, offset = self._whole(seen.codes, hit, place)
            if end - start >= self.length:
                run = (min(run[0], start), max(run[1], end)) if start <= run[1] else (start, end)
                first, last = int(seen.places[start]), int(seen.places[end - 1])
                found.add(Stretch(first, last + 1, document, offset))
        return sorted(found)

    def _hits(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where known hashes begin, how far before that a stretch may begin, and their places."""
        hits, places = self._blocks.among(rolling(codes, self.size))
        often = places == OFTEN
        if not often.any():
            return hits, np.full(len(hits), self._reach), places
        starts = self._starts(hits[often], len(codes))
        more, more_places = self._stretches.among(_near(codes, starts, self.length))
        hits = np.concatenate([hits[~often], more])
        places = np.concatenate([places[~often], more_places])
        reaches = np.repeat([self._reach, 0], [len(hits) - len(more), len(more)])
        order = np.argsort(hits, kind="stable")
        return hits[order], reaches[order], places[order]

    def _whole(self, codes: np.ndarray, hit: int, place: int) -> Stretch:
        """All that is the same around a place: from where to where in ``codes``, and of what."""
        document = int(self.texts.documents(place))
        first, end = self.texts.bounds(document)
        start = stop = hit
        offset, here, step = place, place, self.length
        while here < end:
            other = self.view(self.texts.part(here, min(here + step, end))).codes
            same = _common(codes[stop : stop + len(other)], other)
            stop += same
            if same < len(other):
                break
            here, step = here + step, 2 * step
        here, step = place, self.length
        while here > first and stop > hit:
            there = max(here - step, first)
            other = self.view(self.texts.part(there, here))
            same = _common(codes[max(start - len(other.codes), 0) : start][::-1], other.codes[::-1])
            start -= same
            if same:
                offset = there + int(other.places[len(other.codes) - same])
            if same < len(other.codes):
                break
            here, step = there, 2 * step
        return Stretch(start, stop, document, offset - first)


class Table:
    """Hashes and the places that they stand for, found by a filter and then by bisection."""

    def __init__(self, keys: np.ndarray, places: np.ndarray):
        self.keys, self.places = keys, places  # keys: sorted, each once
        bits = min(len(keys).bit_length() + SPARSE, LARGEST)
        self._shift = np.uint64(64 - bits)
        self._filter = np.zeros(1 << bits, bool)
        self._filter[keys >> self._shift] = True

    def among(self, pieces: Iterable[tuple[int, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
        """The positions of known hashes and their places; ``pieces``: (first position, hashes)."""
        found = [(np.empty(0, np.int64), np.empty(0, np.int64))]
        for first, piece in pieces if len(self.keys) else ():
            maybe = np.flatnonzero(self._filter[(piece >> self._shift).view(np.int64)])
            row = np.searchsorted(self.keys, piece[maybe])
            row[row == len(self.keys)] = 0
            known = self.keys[row] == piece[maybe]
            if known.any():
                found.append((first + maybe[known], self.places[row[known]]))
        return _joined(found)


def runs(spans: Iterable[tuple]) -> list[tuple[int, int]]:
    """What stretches or spans cover, as (start, end): those that overlap or touch are one run."""
    joined: list[tuple[int, int]] = []
    for start, end, *_ in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


def _common(one: np.ndarray, other: np.ndarray) -> int:
    """The length of the common beginning."""
    size = min(len(one), len(other))
    different = one[:size] != other[:size]
    return int(different.argmax()) if different.any() else size


def _joined(found: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    one, other = zip(*found, strict=True)
    return np.concatenate(one), np.concatenate(other)


def _near(codes: np.ndarray, starts: np.ndarray, size: int) -> Iterator[tuple[int, np.ndarray]]:
    """The hashes of ``size`` codes from ``starts`` on, and perhaps from places between."""
    gaps = np.flatnonzero(np.diff(starts) > size)
    firsts = np.append(starts[:1], starts[gaps + 1])
    lasts = np.append(starts[gaps], starts[-1:])
    for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
        for start, found in rolling(codes[first : last + size], size):
            yield first + start, found
