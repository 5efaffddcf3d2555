"""Votes between two runs, and what they say: a win rate, its interval, how many more it takes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Better = Literal["left", "right", "equal", "bad"]  # bad: both
Z = 1.96  # of an interval of 95 %
LEVEL = 0.1  # two runs whose win rate lies within a half ± this are of one quality
MOST = 1000  # votes looked ahead


@dataclass(frozen=True)
class Vote:
    """A person's judgement of two continuations, with all that made them."""

    time: str  # ISO 8601, UTC
    runs: tuple[str, str]  # on the left and on the right, as are the pairs below
    prompt: str
    sampling: dict[str, Any]
    characters: int  # at most, of each text
    seeds: tuple[int, int]
    texts: tuple[str, str]
    better: Better

    def points_of(self, run: str) -> float:
        """1 for a run that was better, 0 for the other, ½ where neither was."""
        if self.better in ("equal", "bad"):
            return 0.5
        return float(self.runs[self.better == "right"] == run)


@dataclass(frozen=True)
class Tally:
    """What the votes between a run and another say of the first."""

    votes: int
    wins: int
    ties: int
    rate: float | None  # of wins, a tie being half of one; None without votes
    low: float | None  # the interval of 95 %
    high: float | None
    verdict: Literal["better", "worse", "level", "open"]
    more: int | None  # votes that would settle it if they go on alike; None without any


def tally(votes: Iterable[Vote], run: str, other: str) -> Tally:
    """Count the votes between two runs, whichever stood on the left."""
    points = [vote.points_of(run) for vote in votes if {*vote.runs} == {run, other}]
    count, ties = len(points), points.count(0.5)
    if not count:
        return Tally(0, 0, 0, None, None, None, "open", None)
    rate = sum(points) / count
    low, high = interval(rate, count)
    more = next(number for number in range(MOST) if _verdict(rate, count + number) != "open")
    return Tally(count, points.count(1.0), ties, rate, low, high, _verdict(rate, count), more)


def interval(rate: float, count: int) -> tuple[float, float]:
    """Wilson's interval of a rate over ``count`` votes (Wilson 1927).

    It is finite and within 0 and 1 even after 5 : 0. Ties make it wider than it need be.
    """
    centre, width = rate + Z**2 / (2 * count), 1 + Z**2 / count
    spread = Z * math.sqrt(rate * (1 - rate) / count + Z**2 / (4 * count**2))
    return max(0.0, (centre - spread) / width), min(1.0, (centre + spread) / width)


def _verdict(rate: float, count: int) -> Literal["better", "worse", "level", "open"]:
    """Settled: the interval lies on one side of a half, or within ``LEVEL`` of it."""
    low, high = interval(rate, count)
    if low > 0.5:
        return "better"
    if high < 0.5:
        return "worse"
    return "level" if low >= 0.5 - LEVEL and high <= 0.5 + LEVEL else "open"
