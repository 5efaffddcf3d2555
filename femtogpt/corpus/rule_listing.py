"""All cleaning rules and document filters as Markdown tables, for docs/cleaning.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from femtogpt.config import CorpusConfig
from femtogpt.corpus.quality import FILTERS
from femtogpt.corpus.rules import OF_EDITIONS, RULES, STANDARD

CELL_CHARACTERS = 240  # a longer text is cut


def listing() -> str:
    """The rules with examples, in the order of their files, and the filters in theirs."""
    config = CorpusConfig()
    limits = {**dict(config), **dict(config.quality)}
    rules = (
        (
            f"`{name}`{' *' if name in STANDARD else ' †' if name in OF_EDITIONS else ''}",
            " ".join(rule.purpose.split()),
            rule.needs,
            rule.before,
            rule.after,
        )
        for name, rule in RULES.items()
    )
    filters = (
        (f"`{name}`", limits.get(name, ""), document_filter.description)
        for name, document_filter in FILTERS.items()
    )
    return "\n".join(
        [
            *_table(
                (
                    "rule (* standard, † editions)",
                    "what it does",
                    "needs to see",
                    "before",
                    "after",
                ),
                rules,
            ),
            "",
            *_table(("filter", "limit", "why a document is rejected"), filters),
        ]
    )


def _table(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(_cell(str(cell)) for cell in row)} |"


def _cell(text: str) -> str:
    """A text escaped for a cell, with its line ends visible and at most CELL_CHARACTERS long."""
    if text.startswith("`"):
        return text
    escaped = "".join(map(_visible, text))
    for sign in "\\`*_[]|<>#&":
        escaped = escaped.replace(sign, f"\\{sign}")
    return escaped if len(escaped) <= CELL_CHARACTERS else f"{escaped[:CELL_CHARACTERS]}…"


def _visible(char: str) -> str:
    if char == "\n":
        return " ⏎ "
    return char if char.isprintable() else f"U+{ord(char):04X}"
