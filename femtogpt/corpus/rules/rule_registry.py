"""The registry of cleaning rules, and the building blocks of which rules are made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

import polars as pl

from femtogpt.errors import UserError, nearest

Change = Callable[[pl.Expr], pl.Expr]  # of a text expression to a text expression
Test = Callable[[pl.Expr], pl.Expr]  # of a text expression to a truth value

FEW = 10  # strings searched for together: for more, a search takes thirty times as long


@dataclass(frozen=True)
class Rule:
    """A named cleaning step with an example of what it does.

    ``apply`` turns a text expression into the cleaned one. It may also use the frame's columns
    ``title`` and ``author`` (strings or null). ``needs`` says what the rule has to see before it
    takes or changes anything. A rule ``of_editions`` takes words and numbers away that editors add
    to a work. What one ``of_markup`` takes is none of the text. One that ``keeps_letters`` neither
    takes, replaces nor adds letters and digits, so that its effect on them need not be counted.
    """

    name: str
    apply: Change
    before: str
    after: str
    needs: str = ""
    of_editions: bool = False
    of_markup: bool = False
    keeps_letters: bool = False

    @property
    def purpose(self) -> str:
        return (self.apply.__doc__ or "").strip()


RULES: dict[str, Rule] = {}


def rule(before: str, after: str, needs: str, **marks: bool) -> Callable[[Change], Change]:
    """Register a function as the rule of its name; its docstring is the rule's purpose.

    ``marks`` are the truth values among the fields of ``Rule``.
    """

    def register(apply: Change) -> Change:
        name = apply.__name__
        RULES[name] = Rule(name, apply, before, after, needs, **marks)
        return apply

    return register


def select_rules(names: Iterable[str]) -> list[Rule]:
    """The rules with these names, in this order.

    Raises UserError for an unknown name, with the nearest known one as a hint.
    """
    rules = []
    for name in names:
        if name not in RULES:
            hint = nearest(name, RULES) or f"; there are: {', '.join(RULES)}"
            raise UserError(f"cleaning rule {name!r} is unknown{hint}")
        rules.append(RULES[name])
    return rules


def where(test: Test, change: Change, text: pl.Expr) -> pl.Expr:
    """Apply ``change`` to the documents that pass a test."""

    def change_rows(texts: pl.Series) -> pl.Series:
        return texts.to_frame("text").select(change(pl.col("text"))).to_series()

    return _change_selected(test, change_rows, text)


def map_texts(test: Test, change: Callable[..., str], text: pl.Expr, *others: pl.Expr) -> pl.Expr:
    """Apply ``change(text, *others)``, a function of strings, to the documents that pass a test."""

    def change_rows(*columns: pl.Series) -> pl.Series:
        rows = zip(*(column.to_list() for column in columns), strict=True)
        changed = [(row[0], change(*row)) for row in rows]
        differ = [index for index, (old, new) in enumerate(changed) if old != new]
        texts = pl.Series([changed[index][1] for index in differ], dtype=pl.String)
        return columns[0].scatter(differ, texts) if differ else columns[0]

    return _change_selected(test, change_rows, text, *others)


def map_lines(
    pattern: str, change: Callable[[str], str | None], text: pl.Expr, among: Test | None = None
) -> pl.Expr:
    """Apply ``change``, a function of strings, to the lines that match a regular expression.

    A line for which it returns None is removed. ``among``: a faster test that these lines pass.
    """
    tests = [matches(pattern)] if among is None else [among, matches(pattern)]

    def change_rows(texts: pl.Series) -> pl.Series:
        split = texts.str.split("\n")
        lengths = split.list.len()
        lines = split.explode()
        rows = pl.arange(len(lines), eager=True)
        for test in tests:
            rows = rows.filter(_passed(test, lines.gather(rows)))
        changed = pl.Series(map(change, lines.gather(rows).to_list()), dtype=pl.String)
        lines = lines.scatter(rows, changed)
        starts = lengths.cum_sum() - lengths
        parts = zip(starts.to_list(), lengths.to_list(), strict=True)
        return pl.concat([lines.slice(*part).str.join("\n") for part in parts])

    return _change_selected(tests[0], change_rows, text)


def _change_selected(
    test: Test, change: Callable[..., pl.Series], text: pl.Expr, *others: pl.Expr
) -> pl.Expr:
    """Apply ``change`` to the rows that pass a test, without touching the others: that is cheaper.

    ``text`` occurs once in the result: polars would compute twice what is used twice.
    """

    def apply(columns: Sequence[pl.Series]) -> pl.Series:
        texts, *rest = columns
        rows = _passed(test, texts).arg_true()
        if not len(rows):
            return texts
        changed = change(*(column.gather(rows) for column in (texts, *rest)))
        return texts.scatter(rows, changed)

    return pl.map_batches([text, *others], apply, return_dtype=pl.String)


def _passed(test: Test, texts: pl.Series) -> pl.Series:
    """For each text whether it passes a test; a null does not."""
    return texts.to_frame("text").select(test(pl.col("text"))).to_series().fill_null(False)


def has(*literals: str) -> Test:
    """Test whether a text contains any of these strings: the cheapest test."""
    groups = [literals[start : start + FEW] for start in range(0, len(literals), FEW)]
    patterns = ["|".join(map(re.escape, group)) for group in groups]
    return lambda text: reduce(or_, [text.str.contains(pattern) for pattern in patterns])


def matches(pattern: str) -> Test:
    """Test whether a text contains a match of a regular expression."""
    return lambda text: text.str.contains(pattern)


def replacement(pattern: str, value: str) -> Change:
    """A change that replaces every match of a regular expression."""
    return lambda text: text.str.replace_all(pattern, value)


def replace_where_found(pattern: str, value: str, text: pl.Expr) -> pl.Expr:
    """Replace every match of a regular expression, after a search, for those that are rare."""
    return where(matches(pattern), replacement(pattern, value), text)
