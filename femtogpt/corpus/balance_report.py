"""What became of the letters and digits, and the longest stretches taken: parts of the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

BALANCE = ("decoded", "added", "taken", "markup", "cut", "kept", "rejected", "replaced")
LINE = 100  # characters of a stretch on a terminal


def balance_row(source: Mapping[str, Any]) -> tuple[int, ...] | None:
    """A source's letters and digits in the order of BALANCE; None in a report without them.

    Decoded and added are as many as taken, markup, cut, kept and rejected. Markup is what the rules
    for it took, which is no text. Replaced are among those kept.
    """
    letters = source.get("letters")
    if not letters:
        return None
    effects = source["rules"].values()
    markup = sum(rule_letters(effect)[0] for effect in effects if effect.get("of_markup"))
    counts = {**letters, "taken": letters["taken"] - markup, "markup": markup}
    return tuple(counts[what] for what in BALANCE)


def rule_letters(effect: Mapping[str, Any]) -> tuple[int, int, int]:
    """The letters and digits that a rule took, replaced and added."""
    letters = effect.get("letters", {})
    return letters.get("taken", 0), letters.get("replaced", 0), letters.get("added", 0)


def stretch_rows(source: Mapping[str, Any]) -> Iterator[tuple[str, str, int, str]]:
    """The longest stretches that each rule took from a source: rule, document, characters, text."""
    for rule, effect in source["rules"].items():
        for taken in effect.get("longest", ()):
            yield rule, taken["id"], taken["characters"], taken["text"]


def one_line(text: str, characters: int = LINE) -> str:
    """The start of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= characters else f"{line[: characters - 1].rstrip()}…"
