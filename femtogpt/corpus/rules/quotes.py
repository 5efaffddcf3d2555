"""A rule for quotation marks: «…» outside and „…“ inside, whichever marks a text has.

It follows А. Э. Мильчин, Л. К. Чельцова, «Справочник издателя и автора». Speech of several
paragraphs opens in each and closes in the last, so each line is processed on its own.
"""

from __future__ import annotations

import re

import polars as pl

from femtogpt.corpus.rules.editorial_patterns import LETTER
from femtogpt.corpus.rules.rule_registry import has, map_lines, rule, where

_MARK = re.compile(r"[\"«»„“”‟]")
_ANGLES = re.compile(r"<<(?=\w)|(?<=[\w.,!?…])>>")
_BEFORE_OPENING = ' \t\u00a0([{—–-/«„"“'
_AFTER_CLOSING = ' \t\u00a0)]}.,;:!?…—–-/»“"”'


@rule(
    '"Прочти "Нос", — сказал он. — “Шинель” потом". «Это «Вий»?»',
    "«Прочти „Нос“, — сказал он. — „Шинель“ потом». «Это „Вий“?»",
    needs="the signs beside a mark, or its pair in the line",
    keeps_letters=True,
)
def quotes(text: pl.Expr) -> pl.Expr:
    """Convert quotation marks to «…», and to „…“ within them."""
    text = where(_german, lambda text: text.str.replace_many({"„": "«", "“": "»"}), text)
    text = where(has(",,", "''", "``"), _typed, text)
    text = where(has('"'), _plain, text)
    return map_lines(rf"[\"”‟]|“[{LETTER}\d]|<<[{LETTER}]|“„|«[^»\n]*«", _line, text)


def _german(text: pl.Expr) -> pl.Expr:
    """Whether a text uses „…“ as its outer marks."""
    return has("„")(text) & ~has("«", "»", '"')(text)


def _typed(text: pl.Expr) -> pl.Expr:
    """Convert marks typed as two signs: ,,слово'' and ``слово''."""
    text = text.str.replace_all(rf"(^|[\s(])(?:,,|``)([{LETTER}\d])", '$1"$2')
    return text.str.replace_all(rf"([{LETTER}\d.,!?…])''", '$1"')


def _plain(text: pl.Expr) -> pl.Expr:
    """Convert marks of which a neighbour shows the direction; the others are left to ``_line``."""
    text = text.str.replace_all(r"(^|[\s(\[{])\"([^\s\")\]}.,;:!?…—–/»“”-])", "$1«$2")
    return text.str.replace_all(r"([^\s(\[{—–\-/«„“\"\d])\"([\s)\]}.,;:!?…—–/»“”-]|$)", "$1»$2")


def _line(line: str) -> str:
    """Convert the marks of a line: first find which ones open, then replace them by depth."""
    if "<<" in line:
        line = _ANGLES.sub(lambda match: "«" if match[0] == "<<" else "»", line)
    line = line.replace("“„", "„")
    marks = list(_MARK.finditer(line))
    opening: list[bool] = []
    depth, balanced = 0, True
    for mark in marks:
        opening.append(_opens(line, mark, depth))
        depth += 1 if opening[-1] else -1
        if depth < 0:
            balanced, depth = False, 0
    balanced = balanced and depth == 0
    pieces, at = [], 0
    inner: list[bool] = []  # of each open quotation, whether it is within another
    for mark, opens in zip(marks, opening, strict=True):
        if not inner and _inches(line, mark):
            continue
        if opens:  # a „ may be within a quotation that other lines open and close
            inner.append(mark[0] == "„" or (balanced and bool(inner)))
            new = "„" if inner[-1] else "«"
        else:
            new = "“" if (inner.pop() if inner else mark[0] == "“") else "»"
        pieces += [line[at : mark.start()], new]
        at = mark.end()
    return "".join([*pieces, line[at:]])


def _opens(line: str, mark: re.Match[str], depth: int) -> bool:
    """Whether a mark opens a quotation, by the text around it or else by its form."""
    if mark[0] == "„":
        return True
    before = line[mark.start() - 1] if mark.start() else " "
    after = line[mark.end()] if mark.end() < len(line) else " "
    may_open = before in _BEFORE_OPENING and after not in " \t\u00a0"
    may_close = before not in " \t\u00a0" and after in _AFTER_CLOSING
    if may_open != may_close:
        return may_open
    return mark[0] == "«" or (mark[0] not in "»”" and depth == 0)


def _inches(line: str, mark: re.Match[str]) -> bool:
    """Whether a mark stands for inches or seconds."""
    at = mark.start()
    return mark[0] == '"' and line[max(0, at - 1) : at].isdigit()
