"""The longest stretch of a text that stands in another one nearly verbatim.

It begins with what stands there verbatim, and is prolonged to both sides, past one change after
another: a letter replaced, left out or put in. At every length that it has on the way, the changes
in it are at most one in so many letters.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from femtogpt.memorisation.character_ranks import SEPARATOR, Ranks
from femtogpt.memorisation.suffix_search import END, Ints
from femtogpt.memorisation.text_query import Matches, TextQuery

LETTERS_PER_CHANGE = 20
MOST_CHANGES = 100
AT_ONCE = 1 << 14  # matches
NEVER = -(1 << 40)


class Near(NamedTuple):
    """Where a stretch of a text stands nearly verbatim in the indexed one."""

    start: int
    end: int
    place: int
    place_end: int
    changes: int


def nearly_verbatim(
    query: TextQuery, text: Ranks, letters_per_change: int = LETTERS_PER_CHANGE
) -> Near | None:
    """The longest stretch; None if none of so many letters stands in ``text`` verbatim."""
    best: Near | None = None
    for matches in query.all_matches(letters_per_change):
        for first in range(0, len(matches.starts), AT_ONCE):
            some = Matches(*(column[first : first + AT_ONCE] for column in matches))
            near = _grown(query, text, some, letters_per_change)
            if best is None or near.end - near.start > best.end - best.start:
                best = near
    return best


def _grown(query: TextQuery, text: Ranks, matches: Matches, letters_per_change: int) -> Near:
    """The longest stretch around any of some matches."""
    starts, places = matches.starts, matches.places
    left = _Side(query, text, starts - 1, places - 1, -1)
    right = _Side(query, text, starts, places, 1)
    # By the number of changes on the left; the others are on the right.
    fits: npt.NDArray[np.bool_] = np.ones((len(starts), 1), bool)
    best = Near(0, 0, 0, 0, 0)
    for changes in range(MOST_CHANGES + 1):
        if changes:
            left.change()
            right.change()
            before = np.pad(fits, ((0, 0), (1, 1)))
            fits = before[:, :-1] | before[:, 1:]
        letters = left.letters + right.letters[:, ::-1]
        fits &= letters >= letters_per_change * changes
        lengths = np.where(fits, letters, 0)
        row, lefts = np.unravel_index(lengths.argmax(), lengths.shape)
        if lengths[row, lefts] > best.end - best.start:
            rights = changes - lefts
            best = Near(
                int(left.start[row] - left.letters[row, lefts] + 1),
                int(right.start[row] + right.letters[row, rights]),
                int(left.place[row] - left.passed[row, lefts] + 1),
                int(right.place[row] + right.passed[row, rights]),
                changes,
            )
        goes_on = np.flatnonzero(fits.any(axis=1))
        if best.end - best.start == query.length or not goes_on.size:
            break
        fits = fits[goes_on]
        left.keep(goes_on)
        right.keep(goes_on)
    return best


class _Side:
    """How far a text can be followed beside places of another one, with ever more changes.

    For each number of changes and each diagonal (by how much more was read of the text than of the
    other one) only the farthest that can be reached is kept: Landau and Vishkin, 1989.
    """

    def __init__(self, query: TextQuery, text: Ranks, start: Ints, place: Ints, step: int):
        self._query, self._text, self._step = query, text, step
        self.start, self.place = start, place
        self._farthest = query.common(start, place, step)[:, None]  # letters, by diagonal
        # The letters followed and those of the other text passed, with 0, 1, 2 … changes at most.
        self.letters, self.passed = self._farthest.copy(), self._farthest.copy()

    def keep(self, rows: Ints) -> None:
        """Go on with some places only."""
        self.start, self.place = self.start[rows], self.place[rows]
        self._farthest = self._farthest[rows]
        self.letters, self.passed = self.letters[rows], self.passed[rows]

    def change(self) -> None:
        """Allow one change more."""
        old = self._farthest
        passed = old - self._diagonals()
        has_letter = self._query.at(self.start[:, None] + self._step * old) != END
        other = self._text.take(self.place[:, None] + self._step * passed, mode="clip")
        goes_on = other != SEPARATOR
        new = np.full((len(old), old.shape[1] + 2), NEVER)
        new[:, 1:-1] = np.where(has_letter & goes_on, old + 1, NEVER)  # replaced
        new[:, 2:] = np.maximum(new[:, 2:], np.where(has_letter, old + 1, NEVER))  # put in
        new[:, :-2] = np.maximum(new[:, :-2], np.where(goes_on, old, NEVER))  # left out
        self._farthest = new
        row, column = np.nonzero(new >= 0)
        letters = new[row, column]
        passed = letters - self._diagonals()[column]
        new[row, column] += self._query.common(
            self.start[row] + self._step * letters,
            self.place[row] + self._step * passed,
            self._step,
        )
        self._note_farthest()

    def _note_farthest(self) -> None:
        rows, column = np.arange(len(self._farthest)), self._farthest.argmax(axis=1)
        letters = self._farthest[rows, column]
        passed = letters - self._diagonals()[column]
        is_farther = letters > self.letters[:, -1]
        letters = np.where(is_farther, letters, self.letters[:, -1])
        passed = np.where(is_farther, passed, self.passed[:, -1])
        self.letters = np.column_stack([self.letters, letters])
        self.passed = np.column_stack([self.passed, passed])

    def _diagonals(self) -> Ints:
        width = self._farthest.shape[1]
        return np.arange(width) - width // 2
