"""Quotation marks: «…» outside, „…“ inside, whichever marks a text has.

So А. Э. Мильчин, Л. К. Чельцова, «Справочник издателя и автора». Speech that goes on over several
paragraphs opens in each and closes in the last, so each line is looked at alone.
"""

from __future__ import annotations

import re

import polars as pl

from femtogpt.corpus.rules.registry import has, mapped_lines, rule, where
from femtogpt.corpus.rules.signs import LETTER

_MARK = re.compile(r"[\"«»„“”‟]")
_ANGLES = re.compile(r"<<(?=\w)|(?<=[\w.,!?…])>>")
_BEFORE = ' \t\u00a0([{—–-/«„"“'  # an opening mark follows one of these
_AFTER = ' \t\u00a0)]}.,;:!?…—–-/»“"”'  # one of these follows a closing mark


@rule(
    '"Прочти "Нос", — сказал он. — “Шинель” потом". «Это «Вий»?»',
    "«Прочти „Нос“, — сказал он. — „Шинель“ потом». «Это „Вий“?»",
)
def quotes(text: pl.Expr) -> pl.Expr:
    """Quotation marks become «…», and „…“ within them."""
    text = where(_german, lambda text: text.str.replace_many({"„": "«", "“": "»"}), text)
    text = where(has(",,", "''", "``"), _typed, text)
    text = where(has('"'), _plain, text)
    return mapped_lines(rf"[\"”‟]|“[{LETTER}\d]|<<[{LETTER}]|“„|«[^»\n]*«", _line, text)


def _german(text: pl.Expr) -> pl.Expr:
    """Whether „…“ are a text's outer marks."""
    return has("„")(text) & ~has("«", "»", '"')(text)


def _typed(text: pl.Expr) -> pl.Expr:
    """Those of two signs each: ,,слово'' and ``слово''."""
    text = text.str.replace_all(rf"(^|[\s(])(?:,,|``)([{LETTER}\d])", '$1"$2')
    return text.str.replace_all(rf"([{LETTER}\d.,!?…])''", '$1"')


def _plain(text: pl.Expr) -> pl.Expr:
    """Those of which one neighbour tells which they are; the others are looked at in lines."""
    text = text.str.replace_all(r"(^|[\s(\[{])\"([^\s\")\]}.,;:!?…—–/»“”-])", "$1«$2")
    return text.str.replace_all(r"([^\s(\[{—–\-/«„“\"\d])\"([\s)\]}.,;:!?…—–/»“”-]|$)", "$1»$2")


def _line(line: str) -> str:
    if "<<" in line:
        line = _ANGLES.sub(lambda found: "«" if found[0] == "<<" else "»", line)
    line = line.replace("“„", "„")
    found = list(_MARK.finditer(line))
    opening: list[bool] = []
    depth, balanced = 0, True
    for mark in found:
        opening.append(_opens(line, mark, depth))
        depth += 1 if opening[-1] else -1
        if depth < 0:
            balanced, depth = False, 0
    balanced = balanced and depth == 0
    pieces, at, inner = [], 0, []  # inner: of each quotation that is open
    for mark, opens in zip(found, opening, strict=True):
        if not inner and _inches(line, mark):
            continue
        if opens:  # „ perhaps within a quotation that other lines open and close
            inner.append(mark[0] == "„" or (balanced and bool(inner)))
            new = "„" if inner[-1] else "«"
        else:
            new = "“" if (inner.pop() if inner else mark[0] == "“") else "»"
        pieces += [line[at : mark.start()], new]
        at = mark.end()
    return "".join([*pieces, line[at:]])


def _opens(line: str, mark: re.Match, depth: int) -> bool:
    """Whether a mark opens a quotation: by what stands around it, else by its form."""
    if mark[0] == "„":
        return True
    before = line[mark.start() - 1] if mark.start() else " "
    after = line[mark.end()] if mark.end() < len(line) else " "
    may_open = before in _BEFORE and after not in " \t\u00a0"
    may_close = before not in " \t\u00a0" and after in _AFTER
    if may_open != may_close:
        return may_open
    return mark[0] == "«" or (mark[0] not in "»”" and depth == 0)


def _inches(line: str, mark: re.Match) -> bool:
    """Whether a mark stands for inches or seconds."""
    at = mark.start()
    return mark[0] == '"' and line[max(0, at - 1) : at].isdigit()
