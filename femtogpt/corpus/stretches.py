"""Where two states of a text differ, and the longest stretches that a rule took out of it.

Both take time that grows with the text. The states are compared by lines: at a difference both are
searched on for the next run of lines that they have in common, first nearby, then further on. What
lies between holds everything that differs. There, stretches are found in a like way by words. They
are for people: where lines repeat, a stretch may begin or end elsewhere than the rule's own. No
count rests on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice, pairwise
from typing import NamedTuple

import numpy as np

from femtogpt.corpus.letter_counts import (
    common_prefix,
    count_letters,
    without_common_ends,
)

WORDS = 5  # as many in a row must agree for the comparison to go on from there
REACH = 100  # lines or words of the new text that may be new in one place
NEAR = 4, 20  # lines of both texts that are searched first
STAYED = 0.5  # of a difference's letters: if more are still there, it was changed and not taken
SMALL = 4096  # bytes: as many that differ are one gap
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_LINE = re.compile(rb"[^\n]+")
_WORD = re.compile(r"(\w+)([^\w\s]*)")


class Gap(NamedTuple):
    """A part of a text in which two states of it differ, as UTF-8; each may be empty."""

    old: bytes
    new: bytes


class Stretch(NamedTuple):
    """A contiguous part of a text that a rule took."""

    letters: int  # and digits
    text: str


class _Tokens(NamedTuple):
    """The words of a text: a hash of each, and where it is."""

    hashes: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


def gaps(before: bytes, after: bytes) -> list[Gap]:
    """The lines in which two states of a text differ, in order; both are UTF-8.

    Empty lines do not count. Without the gaps, both have the same lines in the same order.
    """
    old, new = without_common_ends(before, after)
    if len(old) < SMALL or not new:
        return [Gap(old, new)]
    return list(_differing_lines(old, new))


def _differing_lines(old: bytes, new: bytes) -> Iterator[Gap]:
    one, other = np.frombuffer(old, np.uint8), np.frombuffer(new, np.uint8)
    here = there = 0
    while True:
        same = common_prefix(one[here:], other[there:])
        whole = max(0, old.rfind(b"\n", here, here + same) + 1 - here)  # lines
        (here, end), (there, new_end) = _line(old, here + whole), _line(new, there + whole)
        if here == len(old) and there == len(new):
            return
        if old[here:end] == new[there:new_end]:  # the number of empty lines differs
            here, there = end, new_end
            continue
        first, new_first = here, there
        here, there = _common_run(old, here, new, there)
        yield Gap(old[first:here].rstrip(b"\n"), new[new_first:there].rstrip(b"\n"))


def _line(text: bytes, position: int) -> tuple[int, int]:
    """The start and the end of the next line that is not empty; those of the text if none is."""
    line = _LINE.search(text, position)
    return line.span() if line else (len(text), len(text))


def _common_run(old: bytes, here: int, new: bytes, there: int) -> tuple[int, int]:
    """Where two texts go on with the same two lines, after a position in each; else their ends."""
    for reach, limit in (*((lines, lines) for lines in NEAR), (REACH, None)):
        ahead: dict[tuple[bytes, bytes], int] = {}
        for start, run in islice(_line_runs(new, there), reach + 1):
            ahead.setdefault(run, start)
        for start, run in islice(_line_runs(old, here), limit):
            if run in ahead:
                return start, ahead[run]
    return len(old), len(new)


def _line_runs(text: bytes, position: int) -> Iterator[tuple[int, tuple[bytes, bytes]]]:
    """Where each line begins that is not empty, and it with the next one; the last with none."""
    lines = chain(_LINE.finditer(text, position), [None])
    for line, following in pairwise(lines):
        if line:
            yield line.start(), (line[0], following[0] if following else b"")


def stretches(gap: Gap, least: int) -> list[Stretch]:
    """What is gone from a text in a gap, of ``least`` letters and digits or more, in order."""
    if len(gap.old) < least:
        return []
    old, new = (text.decode() for text in without_common_ends(*gap))
    if count_letters(old) - count_letters(new) < least:
        return []
    return [
        Stretch(letters, gone.strip())
        for gone, instead in (_taken_words(old, new) if new else [(old, new)])
        if len(gone) >= least
        and (letters := count_letters(gone)) >= least
        and count_letters(instead) <= STAYED * letters
    ]


def _taken_words(before: str, after: str) -> Iterator[tuple[str, str]]:
    """What is gone from a text, and what is there instead, by words.

    Of a part whose words are all still there but for some, the longest row of these.
    """
    old, new = _words(before), _words(after)
    for first, end, new_first, new_end in _gaps(old.hashes, new.hashes, WORDS):
        kept = new.hashes[new_first:new_end].tolist()
        if row := _longest_row(old.hashes[first:end].tolist(), kept):
            yield _part(before, old, first + row[0], first + row[1]), ""
        else:
            yield _part(before, old, first, end), _part(after, new, new_first, new_end)


def _longest_row(old: list[int], kept: list[int]) -> tuple[int, int] | None:
    """The longest part of ``old`` without which ``kept`` can still be picked from it in order."""
    starts, ends = _picked(old, kept), _picked(old[::-1], kept[::-1])
    rows = [
        (starts[number], len(old) - ends[len(kept) - number])
        for number in range(len(kept) + 1)
        if number < len(starts) and len(kept) - number < len(ends)
    ]
    rows = [(start, end) for start, end in rows if start < end]
    return max(rows, key=lambda row: row[1] - row[0], default=None)


def _picked(old: list[int], kept: list[int]) -> list[int]:
    """Where ``old`` goes on after 0, 1, 2 … of ``kept`` are picked from it, as early as possible.

    Ends before the first that is not there.
    """
    places = [0]
    for token in kept:
        try:
            places.append(old.index(token, places[-1]) + 1)
        except ValueError:
            break
    return places


def _words(text: str) -> _Tokens:
    """The words, each with the punctuation after it."""
    parts = _WORD.split(text)  # what is between two words, a word, punctuation, and so on
    ends = np.fromiter(map(len, parts), np.int64, len(parts)).cumsum()
    words = parts[1::3]
    return _Tokens(np.fromiter(map(hash, words), np.int64, len(words)), ends[:-1:3], ends[2::3])


def _part(text: str, tokens: _Tokens, first: int, end: int) -> str:
    """The text from one token up to another."""
    return text[tokens.starts[first] : tokens.ends[end - 1]] if first < end else text[:0]


def _gaps(old: np.ndarray, new: np.ndarray, run: int) -> Iterator[tuple[int, int, int, int]]:
    """Where two sequences differ: (first, end) in the old one, then in the new one."""
    old_runs, new_runs = _runs(old, run), _runs(new, run)
    order = np.argsort(new_runs, kind="stable")
    low, high = (np.searchsorted(new_runs[order], old_runs, side) for side in ("left", "right"))
    known = np.flatnonzero(low < high)  # places of the old one whose run the new one has somewhere
    here = there = 0
    while True:
        same = common_prefix(old[here:], new[there:])
        here, there = here + same, there + same
        if here == len(old) and there == len(new):
            return
        first, new_first = here, there
        here, there = len(old), len(new)
        for number in range(int(np.searchsorted(known, first)), len(known)):
            place = int(known[number])
            places = order[low[place] : high[place]]
            after = int(np.searchsorted(places, new_first))
            if after < len(places) and places[after] <= new_first + REACH:
                here, there = place, int(places[after])
                break
        yield first, here, new_first, there


def _runs(numbers: np.ndarray, run: int) -> np.ndarray:
    """A hash of each number with those after it, ``run`` in all; beyond the end there are zeros."""
    padded = np.concatenate([numbers, np.zeros(run - 1, np.int64)]).view(np.uint64)
    runs = np.zeros(len(numbers), np.uint64)
    for number in range(run):
        runs = (runs ^ padded[number : len(numbers) + number]) * _FACTOR
        runs ^= runs >> np.uint64(29)
    return runs
