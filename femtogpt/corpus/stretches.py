"""Find the longest stretches that a rule took out of a text, in time that grows with the text.

The two texts are compared by lines, and where these differ by words. At a difference the old text
is searched on for the next run of lines or words that the new one goes on with. This is for people:
where lines repeat, a stretch may begin or end elsewhere than the rule's own. No count rests on it.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from femtogpt.corpus.letter_counts import common_prefix, count_letters

LINES, WORDS = 2, 5  # how many in a row must agree for the comparison to go on from there
REACH = 100  # lines or words of the new text that may be new in one place
STAYED = 0.5  # of a difference's letters: if more are still there, it was changed and not taken
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_LINE, _WORD = re.compile(r"[^\n]*\w[^\n]*"), re.compile(r"\w+")


class Stretch(NamedTuple):
    """A contiguous part of a text that a rule took."""

    letters: int  # and digits
    text: str


def stretches(before: str, after: str, least: int) -> list[Stretch]:
    """What is gone from a text, of ``least`` letters and digits or more, the longest first."""
    found = []
    for old, new in _differing_lines(before, after):
        for gone, instead in _differing_words(old, new) if new else [(old, new)]:
            if len(gone) < least:
                continue
            letters = count_letters(gone)
            left = count_letters(instead)
            if letters - left >= least and left <= STAYED * letters:
                found.append(Stretch(letters, gone.strip()))
    return sorted(found, key=lambda stretch: -stretch.letters)


def _differing_lines(before: str, after: str) -> Iterator[tuple[str, str]]:
    return _differences(before, after, _LINE, LINES)


def _differing_words(before: str, after: str) -> Iterator[tuple[str, str]]:
    return _differences(before, after, _WORD, WORDS)


def _differences(
    before: str, after: str, pattern: re.Pattern[str], run: int
) -> Iterator[tuple[str, str]]:
    """The parts of two texts that differ, by lines or words."""
    numbers: dict[str, int] = {}
    old, new = (_Tokens(text, pattern, numbers) for text in (before, after))
    for first, end, new_first, new_end in _gaps(old.numbers, new.numbers, run):
        yield old.text_of(first, end), new.text_of(new_first, new_end)


class _Tokens:
    """The lines or words of a text: where they are, and a number for each; equal ones share it."""

    def __init__(self, text: str, pattern: re.Pattern[str], numbers: dict[str, int]):
        starts, ends, own = array("q"), array("q"), array("q")
        for match in pattern.finditer(text):
            starts.append(match.start())
            ends.append(match.end())
            own.append(numbers.setdefault(match[0].strip(), len(numbers) + 1))
        self.text, self.starts, self.ends = text, starts, ends
        self.numbers = np.frombuffer(own, np.int64) if own else np.empty(0, np.int64)

    def text_of(self, first: int, end: int) -> str:
        """The text from one token up to another."""
        return self.text[self.starts[first] : self.ends[end - 1]] if first < end else ""


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
