"""Choices of known probability, and the two pens that make them: a writer and a reader.

A story is programmed once, against the interface of a pen. Every choice immediately emits the text
of its option, and no option of a choice is a prefix of another. So a text determines its choices,
and -log2 p(text) is the sum over them.
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
    """The options of one choice: surface text, weight and the value to return.

    Raises ValueError if one surface is a prefix of another, which would make reading ambiguous.
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
        """Return the weight left and the barred values; bar none if nothing would be left."""
        total = self.bounds[-1]
        remaining = total - sum(self._weight_of.get(value, 0.0) for value in barred)
        return (remaining, barred) if remaining > 0 else (total, ())


class Pen(Protocol):
    """What a story needs: to emit fixed text, and to choose an option that is not barred."""

    def write(self, text: str) -> None: ...
    def choose(self, table: Table, barred: Collection[Any] = ()) -> Any: ...


@dataclass
class Writer:
    """Draws every choice at random and collects the text and its information content in bits."""

    rng: random.Random
    parts: list[str] = field(default_factory=list)
    bits: float = 0.0

    def write(self, text: str) -> None:
        self.parts.append(text)

    def choose(self, table: Table, barred: Collection[Any] = ()) -> Any:
        remaining, barred = table.open_to(barred)
        drawn = bisect_right(table.bounds, self.rng.random() * table.bounds[-1])
        while table.values[drawn] in barred:
            drawn = bisect_right(table.bounds, self.rng.random() * table.bounds[-1])
        self.bits += log2(remaining / table.weights[drawn])
        self.parts.append(table.surfaces[drawn])
        return table.values[drawn]


@dataclass
class Reader:
    """Recovers every choice from a text; ValueError if no writer can have written it."""

    text: str
    at: int = 0
    bits: float = 0.0

    def write(self, text: str) -> None:
        if not self.text.startswith(text, self.at):
            raise ValueError(f"expected {text!r} at character {self.at}")
        self.at += len(text)

    def choose(self, table: Table, barred: Collection[Any] = ()) -> Any:
        remaining, barred = table.open_to(barred)
        for length in table.lengths:
            option = table.index.get(self.text[self.at : self.at + length])
            if option is not None and table.values[option] not in barred:
                self.at += length
                self.bits += log2(remaining / table.weights[option])
                return table.values[option]
        raise ValueError(f"no option fits at character {self.at}")

    def finish(self) -> None:
        """Raise ValueError if the text goes on after the end of the story."""
        if self.at < len(self.text):
            raise ValueError(f"text left over at character {self.at}")
