"""An index of texts in which the long spans that other texts share with them are found.

The indexed texts are cut into blocks of half the minimum length of a match, so every span of that
length which a text shares with them contains a whole block. The index has the hash of every block,
and a text is searched at all its positions. A block that occurs more than once does not show which
span it belongs to; for such blocks the index has the hashes of all spans around them. Every hit is
verified against the texts. The time grows with the texts, not with the number of occurrences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np

from femtogpt.corpus.letters import letters
from femtogpt.corpus.packed_texts import PackedTexts
from femtogpt.corpus.rolling_hash import aligned, characters, hashes, rolling

FILTER_EXTRA_BITS = 6  # beyond those that number the hashes: 1 in 64 passes by chance
FILTER_MAX_BITS = 24  # a filter of 16 MB
REPEATED = -1  # in place of the position of a block that occurs more than once
HashPositions = tuple[np.ndarray, np.ndarray]  # hashes, uint64, and their positions, int64
_NO_HASHES: HashPositions = np.empty(0, np.uint64), np.empty(0, np.int64)


class Match(NamedTuple):
    """``text[start:end]`` also occurs in the indexed text number ``document``, from ``offset``."""

    start: int
    end: int
    document: int
    offset: int


class Characters:
    """A view of a text as all its characters."""

    def __init__(self, text: str):
        self.codes = characters(text)  # what is compared

    @cached_property
    def positions(self) -> np.ndarray:
        """The position in the text of each code."""
        return np.arange(len(self.codes))


class Letters:
    """A view of a text as its letters: line ends, punctuation, case and ё may differ."""

    def __init__(self, text: str):
        codes = letters(characters(text))
        self.positions = np.flatnonzero(codes != 0)  # of booleans: three times as fast
        self.codes = codes.take(self.positions)


View = Characters | Letters


class MatchIndex:
    """Indexed texts, searched for the spans of other texts. Takes 16 bytes per block."""

    def __init__(
        self,
        texts: PackedTexts,
        length: int,
        view: Callable[[str], View] = Characters,
    ):
        """``length``: of a match in the codes of ``view``, at least; 2 or more."""
        self.texts, self.length, self.view = texts, length, view
        self.size = (length + 1) // 2  # of a block: any ``length`` codes contain a whole one
        self._reach = length - self.size  # the part of a match that may precede its block
        blocks = [_NO_HASHES]
        for document in range(len(texts)):
            start, seen = self._view_of(document)
            block_hashes = aligned(seen.codes, self.size)
            starts = seen.positions[:: self.size][: len(block_hashes)]
            blocks.append((block_hashes, start + starts))
        keys, positions = _concatenate(blocks)
        first, count = np.unique(keys, return_index=True, return_counts=True)[1:]
        self._blocks = HashTable(keys[first], np.where(count > 1, REPEATED, positions[first]))
        repeated = np.isin(keys, keys[first[count > 1]])
        self._spans = self._spans_around(positions[repeated])

    def __len__(self) -> int:
        """The number of different blocks."""
        return len(self._blocks.keys)

    def _view_of(self, document: int) -> tuple[int, View]:
        """The position at which an indexed text starts, and the view of it."""
        start, end = self.texts.bounds(document)
        return start, self.view(self.texts.part(start, end))

    def _spans_around(self, positions: np.ndarray) -> HashTable:
        """All spans of ``length`` codes that contain one of the blocks at ``positions``."""
        documents = self.texts.documents(positions)
        spans = [_NO_HASHES]
        for document in np.unique(documents).tolist():
            start, seen = self._view_of(document)
            blocks = np.searchsorted(seen.positions, positions[documents == document] - start)
            starts = self._span_starts(blocks, len(seen.codes))
            spans.append((hashes(seen.codes, self.length)[starts], start + seen.positions[starts]))
        keys, positions = _concatenate(spans)
        first = np.unique(keys, return_index=True)[1]
        return HashTable(keys[first], positions[first])

    def _span_starts(self, blocks: np.ndarray, size: int) -> np.ndarray:
        """The starts of all spans of ``length`` codes that contain one of ``blocks``.

        ``blocks`` are indices in ascending order into ``size`` codes.
        """
        first = np.maximum(blocks - self._reach, np.append(0, blocks[:-1] + 1))
        counts = blocks - first + 1
        shift = first - (np.cumsum(counts) - counts)
        starts = np.arange(counts.sum()) + np.repeat(shift, counts)
        return starts[starts <= size - self.length]

    def matches(self, seen: View) -> list[Match]:
        """The spans of a text, ``length`` or longer, that also occur in an indexed one, by start.

        Each is as long as possible at its position. They may overlap and touch. Every shared span
        is within the merged spans that they form; a match that extends no merged span may be left
        out.
        """
        matches: set[Match] = set()
        merged = 0, 0  # the last merged span
        hits, reaches, positions = self._hits(seen.codes)
        number = 0
        while number < len(hits):
            hit, reach = int(hits[number]), int(reaches[number])
            position = int(positions[number])
            number += 1
            start, end = max(hit - reach, 0), min(hit + self.length, len(seen.codes))
            if merged[0] <= start and end <= merged[1]:
                if hit - self._reach >= merged[0]:  # nothing new until near the end of the span
                    after = np.searchsorted(hits, merged[1] - self.length, "right")
                    number = max(number, int(after))
                continue
            start, end, document, offset = self._extend(seen.codes, hit, position)
            if end - start >= self.length:
                if start <= merged[1]:
                    merged = min(merged[0], start), max(merged[1], end)
                else:
                    merged = start, end
                first, last = int(seen.positions[start]), int(seen.positions[end - 1])
                matches.add(Match(first, last + 1, document, offset))
        return sorted(matches)

    def _hits(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The starts of indexed blocks or spans in ``codes``, in ascending order.

        Returns with them how far before each a match may start, and its position in the texts.
        """
        hits, positions = self._blocks.lookup(rolling(codes, self.size))
        repeated = positions == REPEATED
        if not repeated.any():
            return hits, np.full(len(hits), self._reach), positions
        starts = self._span_starts(hits[repeated], len(codes))
        spans, span_positions = self._spans.lookup(_hashes_near(codes, starts, self.length))
        hits = np.concatenate([hits[~repeated], spans])
        positions = np.concatenate([positions[~repeated], span_positions])
        reaches = np.repeat([self._reach, 0], [len(hits) - len(spans), len(spans)])
        order = np.argsort(hits, kind="stable")
        return hits[order], reaches[order], positions[order]

    def _extend(self, codes: np.ndarray, hit: int, position: int) -> Match:
        """The longest match around a hit, as indices into ``codes``."""
        document = int(self.texts.documents(np.asarray(position)))
        first, end = self.texts.bounds(document)
        start = stop = hit
        offset, here, step = position, position, self.length
        while here < end:
            other = self.view(self.texts.part(here, min(here + step, end))).codes
            same = _common_prefix(codes[stop : stop + len(other)], other)
            stop += same
            if same < len(other):
                break
            here, step = here + step, 2 * step
        here, step = position, self.length
        while here > first and stop > hit:
            there = max(here - step, first)
            before = self.view(self.texts.part(there, here))
            size = len(before.codes)
            same = _common_prefix(codes[max(start - size, 0) : start][::-1], before.codes[::-1])
            start -= same
            if same:
                offset = there + int(before.positions[size - same])
            if same < size:
                break
            here, step = there, 2 * step
        return Match(start, stop, document, offset - first)


class HashTable:
    """Hashes and their positions, looked up by a filter and then by bisection."""

    def __init__(self, keys: np.ndarray, positions: np.ndarray):
        """``keys``: uint64, sorted, unique."""
        self.keys, self.positions = keys, positions
        bits = min(len(keys).bit_length() + FILTER_EXTRA_BITS, FILTER_MAX_BITS)
        self._shift = np.uint64(64 - bits)
        self._filter = np.zeros(1 << bits, bool)
        self._filter[keys >> self._shift] = True

    def lookup(self, pieces: Iterable[tuple[int, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
        """The indices of hashes that are in the table, and their positions there.

        ``pieces`` are the hashes in parts: (index of the first, hashes).
        """
        hits = [(np.empty(0, np.int64), np.empty(0, np.int64))]
        for first, piece in pieces if len(self.keys) else ():
            candidates = np.flatnonzero(self._filter[(piece >> self._shift).view(np.int64)])
            rows = np.searchsorted(self.keys, piece[candidates])
            rows[rows == len(self.keys)] = 0
            equal = self.keys[rows] == piece[candidates]
            if equal.any():
                hits.append((first + candidates[equal], self.positions[rows[equal]]))
        return _concatenate(hits)


def merge_spans(spans: Iterable[tuple]) -> list[tuple[int, int]]:
    """The (start, end) of matches or spans, with overlapping and touching ones merged."""
    merged: list[tuple[int, int]] = []
    for start, end, *_ in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged


def _common_prefix(one: np.ndarray, other: np.ndarray) -> int:
    """The length of the common prefix."""
    size = min(len(one), len(other))
    different = one[:size] != other[:size]
    return int(different.argmax()) if different.any() else size


def _concatenate(pairs: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    one, other = zip(*pairs, strict=True)
    return np.concatenate(one), np.concatenate(other)


def _hashes_near(
    codes: np.ndarray, starts: np.ndarray, size: int
) -> Iterator[tuple[int, np.ndarray]]:
    """The hashes of ``size`` codes at all ``starts``, and perhaps at indices between them."""
    gaps = np.flatnonzero(np.diff(starts) > size)
    firsts = np.append(starts[:1], starts[gaps + 1])
    lasts = np.append(starts[gaps], starts[-1:])
    for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
        for start, piece in rolling(codes[first : last + size], size):
            yield first + start, piece
