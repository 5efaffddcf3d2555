"""The curves of a training: their points, thinned so that no peak is lost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
RATES = "learning_rate/"  # how metrics of each optimizer's rate begin
SMOOTHED = 40  # parts of a training: the moving average is over one of them
SPOTTED = "held"  # the style of a curve with so few points that each is seen


@dataclass(frozen=True)
class Points:
    """Values by step, in order of steps."""

    steps: Numbers
    values: Numbers

    def __len__(self) -> int:
        return len(self.steps)

    def at(self, chosen: Any) -> Points:
        return Points(self.steps[chosen], self.values[chosen])


@dataclass(frozen=True)
class Curve:
    """A curve of a chart."""

    name: str
    points: Points
    style: str  # a class of the page's style: thin, main, held or second


@dataclass(frozen=True)
class Level:
    """A horizontal line: a figure that does not depend on the step."""

    name: str
    value: float
    style: str  # a class of the page's style: the kind of a baseline, final or entropy


@dataclass(frozen=True)
class Chart:
    """Curves over the steps with one axis of values."""

    title: str
    unit: str
    curves: tuple[Curve, ...]
    levels: tuple[Level, ...] = field(default=())


def points(lines: Iterable[Mapping[str, Any]], name: str) -> Points:
    """A metric by step: of a step that was written twice the last value, and finite ones alone."""
    values = {
        line["step"]: line[name]
        for line in lines
        if isinstance(line.get(name), int | float) and math.isfinite(line[name])
    }
    steps = sorted(values)
    return Points(np.array(steps, float), np.array([values[step] for step in steps], float))


def smoothed(curve: Points) -> Points:
    """The moving average over a fortieth of the points; at the ends over as many as there are."""
    half = len(curve) // (2 * SMOOTHED)
    if not half:
        return curve.at(slice(0, 0))
    sums = np.concatenate([[0.0], np.cumsum(curve.values)])
    middle = np.arange(len(curve))
    start, end = np.maximum(middle - half, 0), np.minimum(middle + half + 1, len(curve))
    return Points(curve.steps, (sums[end] - sums[start]) / (end - start))


def thinned(curve: Points, columns: int) -> Points:
    """At most four points for each of ``columns`` parts: the first, last, lowest and highest."""
    if len(curve) <= 4 * columns:
        return curve
    first, last = curve.steps[0], curve.steps[-1]
    column = np.minimum((curve.steps - first) / (last - first) * columns, columns - 1).astype(int)
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    ends = np.append(starts[1:], len(curve)) - 1
    by_value = np.lexsort((curve.values, column))  # within a column, from the lowest on
    return curve.at(np.unique(np.concatenate([starts, ends, by_value[starts], by_value[ends]])))


def ticks(low: float, high: float, count: int) -> Numbers:
    """About ``count`` round values from ``low`` to ``high``."""
    if not high > low:
        return np.array([low])
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * part for part in (1, 2, 5, 10) if power * part >= rough * 0.999)
    numbers = np.arange(math.ceil(low / step), math.floor(high / step + 1e-9) + 1)
    return numbers.astype(np.float64) * step
