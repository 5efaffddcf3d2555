"""Searching a suffix array for many patterns at once, with numpy.

Patterns are parts of a query: an array that begins and ends with END. The text begins and ends with
SEPARATOR, which no query holds, so that no comparison goes on past an end of either.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from femtogpt.memorisation.character_ranks import SEPARATOR, Ranks

END = -1
WIDTH = 16  # elements that are compared at once, at first
COMPARED = 1 << 20  # at most
Ints = npt.NDArray[np.int64]


class Part(NamedTuple):
    """The suffixes of a part of a text in order: of the part as if the text ended with it."""

    start: int
    end: int
    suffixes: npt.NDArray[np.int32]  # where they begin, from ``start`` on


def common(
    query: Ranks,
    starts: Ints,
    text: Ranks,
    places: Ints,
    step: int = 1,
    enough: Ints | None = None,
) -> Ints:
    """How many elements agree, from ``starts`` and ``places`` on, in steps of 1 or −1.

    Where there are ``enough``, more need not be counted.
    """
    lengths = np.zeros(len(starts), np.int64)
    block = COMPARED // WIDTH
    for first in range(0, len(starts), block):
        active, width = np.arange(first, min(first + block, len(starts))), WIDTH
        while active.size:
            reach = step * (lengths[active, None] + np.arange(width))
            one = query.take(starts[active, None] + reach, mode="clip")
            other = text.take(places[active, None] + reach, mode="clip")
            differs = one != other
            count = differs.argmax(axis=1)
            ended = differs[np.arange(len(active)), count]
            lengths[active] += np.where(ended, count, width)
            if enough is not None:
                ended |= lengths[active] >= enough[active]
            active = active[~ended]
            width = max(WIDTH, min(2 * width, COMPARED // max(1, active.size)))
    return lengths


def position(
    part: Part, text: Ranks, query: Ranks, starts: Ints, lengths: Ints, past: bool = False
) -> tuple[Ints, Ints]:
    """How many suffixes come before each pattern, and how much of it one has at most.

    ``past``: those that begin with the pattern count as well. The second figure is exact only
    without ``past``.
    """
    low, high = (np.full(len(starts), value) for value in (-1, len(part.suffixes)))
    # What the pattern has in common with the suffixes at ``low`` and ``high``.
    below, above = np.zeros(len(starts), np.int64), np.zeros(len(starts), np.int64)
    while (active := np.flatnonzero(high - low > 1)).size:
        middle = (low[active] + high[active]) // 2
        places = part.start + part.suffixes[middle].astype(np.int64)
        first = starts[active]
        same, most = np.minimum(below[active], above[active]), lengths[active]
        limit = np.minimum(most, part.end - places)
        same = same + common(query, first + same, text, places + same, enough=limit - same)
        same = np.minimum(same, limit)
        following = text.take(places + same, mode="clip")
        following = np.where(places + same < part.end, following, SEPARATOR)
        is_less = np.where(same == most, past, following < query.take(first + same, mode="clip"))
        lower, higher = active[is_less], active[~is_less]
        low[lower], below[lower] = middle[is_less], same[is_less]
        high[higher], above[higher] = middle[~is_less], same[~is_less]
    return high, np.maximum(below, above)
