"""What a cleaning rule is, and where rules are found by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import polars as pl

from femtogpt.errors import UserError, nearest


@dataclass(frozen=True)
class Rule:
    """A named cleaning step and an example of what it does.

    ``apply`` makes a text expression of a text expression; it may use the columns ``title`` and
    ``author`` of the frame as well (strings, perhaps null).
    """

    name: str
    apply: Callable[[pl.Expr], pl.Expr]
    before: str
    after: str

    @property
    def purpose(self) -> str:
        return (self.apply.__doc__ or "").strip()


RULES: dict[str, Rule] = {}


def rule(before: str, after: str):
    """Register a rule under its function's name."""

    def register(apply: Callable[[pl.Expr], pl.Expr]) -> Callable[[pl.Expr], pl.Expr]:
        name = apply.__name__
        RULES[name] = Rule(name, apply, before, after)
        return apply

    return register


def chosen(names: Iterable[str]) -> list[Rule]:
    """The rules of these names, in this order; UserError names the nearest right one."""
    rules = []
    for name in names:
        if name not in RULES:
            hint = nearest(name, RULES) or f"; there are: {', '.join(RULES)}"
            raise UserError(f"cleaning rule {name!r} is unknown{hint}")
        rules.append(RULES[name])
    return rules


Change = Callable[[pl.Expr], pl.Expr]  # of a text expression: to a text, or to a truth value


def where(test: Change, change: Change, text: pl.Expr) -> pl.Expr:
    """``change`` of the documents that a test selects."""

    def of_rows(texts: pl.Series) -> pl.Series:
        return texts.to_frame("text").select(change(pl.col("text"))).to_series()

    return _of_selected(test, of_rows, text)


def mapped(test: Change, change: Callable[..., str], text: pl.Expr, *others: pl.Expr) -> pl.Expr:
    """``change(text, *others)``, a function on strings, of the documents that a test selects."""

    def of_rows(*columns: pl.Series) -> pl.Series:
        rows = zip(*(column.to_list() for column in columns), strict=True)
        changed = [(row[0], change(*row)) for row in rows]
        differ = [index for index, (old, new) in enumerate(changed) if old != new]
        texts = pl.Series([changed[index][1] for index in differ], dtype=pl.String)
        return columns[0].scatter(differ, texts) if differ else columns[0]

    return _of_selected(test, of_rows, text, *others)


def mapped_lines(pattern: str, change: Callable[[str], str], text: pl.Expr) -> pl.Expr:
    """``change``, a function on strings, of the lines in which a regular expression is found."""

    def of_rows(texts: pl.Series) -> pl.Series:
        split = texts.str.split("\n")
        lengths = split.list.len()
        lines = split.explode()
        rows = lines.str.contains(pattern).arg_true()
        changed = pl.Series(map(change, lines.gather(rows).to_list()), dtype=pl.String)
        lines = lines.scatter(rows, changed)
        starts = lengths.cum_sum() - lengths
        parts = zip(starts.to_list(), lengths.to_list(), strict=True)
        return pl.concat([lines.slice(*part).str.join("\n") for part in parts])

    return _of_selected(matches(pattern), of_rows, text)


def _of_selected(
    test: Change, change: Callable[..., pl.Series], text: pl.Expr, *others: pl.Expr
) -> pl.Expr:
    """The others are not even looked at: a rule costs what it may change.

    ``text`` is used once: polars would work out twice what is named twice.
    """

    def apply(columns: list[pl.Series]) -> pl.Series:
        texts, *rest = columns
        selected = texts.to_frame("text").select(test(pl.col("text"))).to_series()
        rows = selected.fill_null(False).arg_true()
        if not len(rows):
            return texts
        changed = change(*(column.gather(rows) for column in (texts, *rest)))
        return texts.scatter(rows, changed)

    return pl.map_batches([text, *others], apply, return_dtype=pl.String)


def has(*literals: str) -> Change:
    """Whether any of these strings is in a text: the cheapest test there is."""
    pattern = "|".join(map(re.escape, literals))
    return lambda text: text.str.contains(pattern)


def matches(pattern: str) -> Change:
    """Whether a regular expression is found in a text."""
    return lambda text: text.str.contains(pattern)


def replaced(pattern: str, value: str) -> Change:
    """Every match of a regular expression replaced."""
    return lambda text: text.str.replace_all(pattern, value)


def where_found(pattern: str, value: str, text: pl.Expr) -> pl.Expr:
    """Every match replaced; to look for one first is cheaper where most documents have none."""
    return where(matches(pattern), replaced(pattern, value), text)
