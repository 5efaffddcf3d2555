"""A chart as an SVG picture. ``page_script`` draws it anew when a reader zooms."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from femtogpt.report.curves import SPOTTED, Chart, Curve, thinned, ticks
from femtogpt.report.html_parts import Html, tag
from femtogpt.report.wording import Wording

WIDTH, NARROW, HEIGHT = 660, 320, 230  # of a picture
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 24  # around the field of the curves
ZOOM_COLUMNS = 1500  # of the points for zooming
Span = tuple[float, float]
Scale = Callable[[float], float]


def reach(charts: Sequence[Chart]) -> Span:
    """The steps that all charts together have."""
    every = [curve.points.steps for chart in charts for curve in chart.curves]
    return _wide(min(steps[0] for steps in every), max(steps[-1] for steps in every), 0.0)


def height(chart: Chart) -> Span:
    """The values of a chart, with some room."""
    every = [curve.points.values for curve in chart.curves]
    values = np.concatenate([*every, [level.value for level in chart.levels]])
    return _wide(values.min(), values.max(), 0.05)


def _wide(low: float, high: float, margin: float) -> Span:
    """An axis; one of no length gets some."""
    more = (high - low) * margin or (0.5 if high == low else 0.0) * max(1.0, abs(high))
    return float(low - more), float(high + more)


def picture(
    chart: Chart, steps: Span, marks: Sequence[float], words: Wording, width: int = WIDTH
) -> Html:
    """The chart over some steps; ``marks`` are steps at which something happened."""
    (x0, x1), (y0, y1) = steps, height(chart)
    right = width - RIGHT
    across = (right - LEFT) / (x1 - x0)
    up = (HEIGHT - TOP - BOTTOM) / (y1 - y0)

    def x(step: float) -> float:
        return LEFT + (step - x0) * across

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (value - y0) * up

    grid = [
        Html(_line(LEFT, y(value), right, y(value), None) + _beside(y(value), label))
        for value in ticks(y0, y1, 4)
        for label in [tick_label(value, y1 - y0, words)]
    ]
    below = [
        tag("text", words.whole(round(step)), x=_places(x(step)), y=HEIGHT - 7, of="x")
        for step in ticks(x0, x1, width // 100)
        if step == round(step)
    ]
    happened = [_line(x(step), TOP, x(step), HEIGHT - BOTTOM, "mark") for step in marks]
    levels = [_line(LEFT, y(it.value), right, y(it.value), it.style) for it in chart.levels]
    curves = [part for curve in chart.curves for part in _drawn(curve, x, y)]
    field = tag("g", *happened, *levels, *curves, of="field")
    return tag(
        "svg",
        tag("g", *grid, *below, of="axes"),
        field,
        viewBox=f"0 0 {width} {HEIGHT}",
        role="img",
        aria_label=chart.title,
    )


def _beside(at: float, value: str) -> Html:
    """A value beside its line of the grid."""
    return tag("text", value, x=LEFT - 6, y=_places(at + 4), of="y")


def tick_label(value: float, length: float, words: Wording) -> str:
    """A value on an axis of this length."""
    digits = max(0, 1 - math.floor(math.log10(length)))
    return words.number(value, digits) if digits < 5 else words.significant(value, 2)


def _line(x1: float, y1: float, x2: float, y2: float, of: str | None) -> Html:
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return tag("line", **{name: _places(at) for name, at in ends.items()}, of=of)


def _places(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _drawn(curve: Curve, x: Scale, y: Scale) -> Iterator[Html]:
    """The line of a curve, and the spots of one with few points; round ends show a single one."""
    points = thinned(curve.points, WIDTH // 2)  # columns of two units
    places = [
        f"{_places(x(step))} {_places(y(value))}"
        for step, value in zip(points.steps, points.values, strict=True)
    ]
    yield tag("path", d=f"M{'L'.join(places)}h0", of=curve.style)
    if curve.style == SPOTTED:
        yield tag("path", d="".join(f"M{place}h0" for place in places), of="spots")


def zoom_data(chart: Chart) -> dict[str, object]:
    """What the page's script needs to draw the chart anew."""
    return {
        "curves": [_curve_data(curve) for curve in chart.curves],
        "levels": [{"value": it.value, "style": it.style} for it in chart.levels],
    }


def _curve_data(curve: Curve) -> dict[str, object]:
    points = thinned(curve.points, ZOOM_COLUMNS if curve.style == "thin" else ZOOM_COLUMNS // 4)
    return {
        "name": curve.name,
        "style": curve.style,
        "x": [int(step) for step in points.steps],
        "y": [float(f"{value:.5g}") for value in points.values],
    }
