"""Parts of the report's page. Whatever is not ``Html`` is text and is escaped."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from typing import Any

from femtogpt.report.wording import Wording

# What no page may hold, or what would turn the page's own text around.
_SIGNS = {*range(32), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)} - {9, 10}
_VISIBLE = dict.fromkeys([*_SIGNS, *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], "�")
WORD = 40  # a text is cut between words if there is a space in its last characters


class Html(str):
    """Text that is HTML already."""


class Number(str):
    """A formatted number, for a column of numbers."""


def text(value: object) -> Html:
    """A value as text of the page."""
    if isinstance(value, Html):
        return value
    shown = "" if value is None else str(value)
    return Html(html.escape(shown.translate(_VISIBLE), quote=False))


def tag(name: str, /, *inner: object, **attributes: object) -> Html:
    """An element; attributes that are None are left out, and ``of`` is the class."""
    named = "".join(
        f" {'class' if key == 'of' else key.replace('_', '-')}"
        f'="{html.escape(str(value).translate(_VISIBLE))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{named}>{''.join(map(text, inner))}</{name}>")


def joined(parts: Iterable[str]) -> Html:
    """Parts of the page, one after the other."""
    return Html("".join(map(text, parts)))


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Html:
    """A table. A column is one of numbers if its first cell is a Number."""
    rows = [[*row] for row in rows]
    numeric = {n for n, cell in enumerate(rows[0] if rows else ()) if isinstance(cell, Number)}

    def line(name: str, cells: Sequence[object]) -> Html:
        marked = (tag(name, cell, of="n" if n in numeric else None) for n, cell in enumerate(cells))
        return tag("tr", *marked)

    body = tag("tbody", *(line("td", row) for row in rows))
    return tag("div", tag("table", tag("thead", line("th", head)), body), of="wide")


def pairs(rows: Iterable[tuple[object, object]]) -> Html:
    """Names with their values."""
    cells = (part for name, value in rows for part in (tag("dt", name), tag("dd", value)))
    return tag("dl", *cells)


def folded(summary: str, inner: Html) -> Html:
    """A part that the page's script folds; it is open in print, and where there are no scripts."""
    return tag("details", tag("summary", summary), inner, open="")


def note(value: object) -> Html:
    """A remark in small type."""
    return tag("p", value, of="note")


def short(value: object, most: int) -> str:
    """The beginning of a text on one line."""
    line = " ".join(str(value).translate(_VISIBLE).split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def cut(value: str, most: int, words: Wording) -> Html:
    """A text, cut after so many characters, and how many are left out."""
    if len(value) <= most:
        return text(value)
    end = value.rfind(" ", max(0, most - WORD), most)
    kept = value[: end if end > 0 else most]
    return Html(text(kept) + tag("span", f" … {left_out(value, kept, words)}", of="note"))


def left_out(value: str, kept: str, words: Wording) -> str:
    """How many characters of a text are not shown."""
    return words("more_characters", count=words.count(len(value) - len(kept), "character"))


def limited(shown: int, total: int, noun: str, words: Wording) -> Html:
    """A remark on how many of so many things are shown; empty if all are."""
    if shown >= total:
        return Html()
    return note(words("shown_of", shown=shown, total=words.count(total, noun)))


def embedded(value: Any, id: str) -> Html:
    """Data for the page's script."""
    content = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    safe = content.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Html(f'<script type="application/json" id="{id}">{safe}</script>')
