"""Choices whose probability is known, and the two pens which make them: one writes, one reads.

A story is told once, as code against a pen. Every choice emits the text of the chosen option at
once, and no option of a choice begins with another; so the text tells each choice, and
-log2 p(text) is the sum over the choices.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from math import log2
from typing import Any, Protocol


class Table:
    """The options of one choice: surface text, weight, and the value handed back.

    ValueError where one surface begins with another, which would make reading ambiguous.
    """

    def __init__(self, options: Sequence[tuple[str, float, Any]]) -> None:
        self.surfaces, self.weights, self.values = zip(*options, strict=True)
        self.bounds = list(accumulate(self.weights))
        self.index = {surface: i for i, surface in enumerate(self.surfaces)}
        self.lengths = sorted({len(surface) for surface in self.surfaces})
        if len(self.index) < len(options):
            raise ValueError(f"two options read the same: {sorted(self.surfaces)}")
        for surface in self.surfaces:
            for length in self.lengths:
                if length < len(surface) and surface[:length] in self.index:
                    raise ValueError(f"{surface!r} begins with {surface[:length]!r}")

    @cached_property
    def _weight_of(self) -> dict[Any, float]:
        return dict(zip(self.values, self.weights, strict=True))

    def open_to(self, barred: Collection[Any]) -> tuple[float, Collection[Any]]:
        """The weight left without the barred values, and these; none if all would be barred."""
        total = self.bounds[-1]
        left = total - sum(self._weight_of.get(value, 0.0) for value in barred)
        return (left, barred) if left > 0 else (total, ())


class Pen(Protocol):
    """What telling a story needs: fixed text, and one option of a table that is not barred."""

    def write(self, text: str) -> None: ...
    def choose(self, table: Table, barred: Collection[Any] = ()) -> Any: ...


@dataclass
class Writer:
    """Draws every choice and gathers the text and its information content in bits."""

    rng: random.Random
    parts: list[str] = field(default_factory=list)
    bits: float = 0.0

    def write(self, text: str) -> None:
        self.parts.append(text)

    def choose(self, table: Table, barred: Collection[Any] = ()) -> Any:
        left, barred = table.open_to(barred)
        drawn = bisect_right(table.bounds, self.rng.random() * table.bounds[-1])
        while table.values[drawn] in barred:
            drawn = bisect_right(table.bounds, self.rng.random() * table.bounds[-1])
        self.bits += log2(left / table.weights[drawn])
        self.parts.append(table.surfaces[drawn])
        return table.values[drawn]


@dataclass
class Reader:
    """Recovers every choice from a text; ValueError where no writer can have written it."""

    text: str
    at: int = 0
    bits: float = 0.0

    def write(self, text: str) -> None:
        if not self.text.startswith(text, self.at):
            raise ValueError(f"expected {text!r} at character {self.at}")
        self.at += len(text)

    def choose(self, table: Table, barred: Collection[Any] = ()) -> Any:
        left, barred = table.open_to(barred)
        for length in table.lengths:
            found = table.index.get(self.text[self.at : self.at + length])
            if found is not None and table.values[found] not in barred:
                self.at += length
                self.bits += log2(left / table.weights[found])
                return table.values[found]
        raise ValueError(f"no option fits at character {self.at}")

    def finish(self) -> None:
        """ValueError if the text goes on after the end of the story."""
        if self.at < len(self.text):
            raise ValueError(f"text left over at character {self.at}")
