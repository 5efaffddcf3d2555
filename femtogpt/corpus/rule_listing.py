"""All cleaning rules and document filters as Markdown tables: what a source's YAML can name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from femtogpt.config import CorpusConfig
from femtogpt.corpus.quality import FILTERS
from femtogpt.corpus.rules import RULES, STANDARD


def listing() -> str:
    """The rules in the order of their names' files, with examples; then the filters, as asked."""
    config = CorpusConfig()
    limits = {**dict(config), **dict(config.quality)}
    rules = (
        (
            f"`{name}`{' *' if name in STANDARD else ''}",
            " ".join(each.purpose.split()),
            each.before,
            each.after,
        )
        for name, each in RULES.items()
    )
    filters = ((f"`{name}`", limits.get(name, ""), f.description) for name, f in FILTERS.items())
    return "\n".join(
        [
            *_table(("rule (* standard)", "what it does", "before", "after"), rules),
            "",
            *_table(("filter", "limit", "what is rejected"), filters),
        ]
    )


def _table(header: tuple[str, ...], rows: Iterable[tuple]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(_cell(str(cell)) for cell in row)} |"


def _cell(text: str) -> str:
    """A text within a cell: its signs stand for themselves, its line ends are shown."""
    if text.startswith("`"):
        return text
    shown = "".join(_sign(char) for char in text)
    for sign in "\\`*_[]|<>#&":
        shown = shown.replace(sign, f"\\{sign}")
    return shown if len(shown) <= 240 else f"{shown[:240]}…"


def _sign(char: str) -> str:
    if char == "\n":
        return " ⏎ "
    return char if char.isprintable() else f"U+{ord(char):04X}"
