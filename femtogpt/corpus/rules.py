"""The cleaning rules: one polars expression each, named by its function.

Each rule is a function from a text expression to a text expression, with an example of what it
does. A source's YAML picks rules by name, in order.
"""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import polars as pl

from femtogpt.errors import UserError


@dataclass(frozen=True)
class Rule:
    """A named cleaning step and an example of what it does."""

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
            close = difflib.get_close_matches(name, RULES, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(RULES)}"
            raise UserError(f"cleaning rule {name!r} is unknown; {hint}")
        rules.append(RULES[name])
    return rules


@rule("раз\r\nдва\rтри\u2028четыре", "раз\nдва\nтри\nчетыре")
def line_ends(text: pl.Expr) -> pl.Expr:
    r"""Every kind of line end becomes \n."""
    return text.str.replace_all(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n")


_ENTITY = re.compile(r"&(#\d+|#[xX][0-9a-fA-F]+|\w+);")


@rule("d&#233;j&agrave; vu&nbsp;&mdash; он", "déjà vu\u00a0— он")
def entities(text: pl.Expr) -> pl.Expr:
    """HTML character references become the characters."""
    unescaped = text.map_elements(_unescape, return_dtype=pl.String)
    return pl.when(text.str.contains("&", literal=True)).then(unescaped).otherwise(text)


def _unescape(text: str) -> str:
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text)


@rule("глава<hr> первая<br/>", "глава первая")
def tags(text: pl.Expr) -> pl.Expr:
    """HTML tags go."""
    return text.str.replace_all(r"</?[A-Za-z][A-Za-z0-9]*(\s[^<>]{0,200})?/?>", "")


@rule("сло\u00adво\ufeff и\x7f дело\x01", "слово и дело")
def invisible(text: pl.Expr) -> pl.Expr:
    """Control characters, soft hyphens, byte order marks and zero-width characters go."""
    return text.str.replace_all(
        r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufffd]",
        "",
    )


@rule("за́мок и замо́к; café", "замок и замок; café")
def stress_marks(text: pl.Expr) -> pl.Expr:
    """Combining stress marks on Cyrillic letters go; ё, й and accents of other scripts stay."""
    letter = r"([А-Яа-яЁёІіѢѣѲѳѴѵ][\u0306\u0308]?)"  # й and ё may be taken apart
    return text.str.replace_all(letter + r"[\u0300\u0301]+", "$1")


@rule("и\u0306 е\u0308", "й ё")
def composed(text: pl.Expr) -> pl.Expr:
    """A letter and its combining mark become one character (Unicode NFC)."""
    return text.str.normalize("NFC")


@rule("слово[12] и дело{3}, конец [4]", "слово и дело, конец")
def footnote_marks(text: pl.Expr) -> pl.Expr:
    """Numbers in square brackets or braces, which pointed to notes, go."""
    return text.str.replace_all(r"[ \u00a0]?(\[\d{1,4}\]|\{\d{1,4}\})", "")


@rule("раз\u00a0два\tтри\u2009четыре", "раз два три четыре")
def spaces(text: pl.Expr) -> pl.Expr:
    """Every kind of space but the line end becomes one plain space."""
    return text.str.replace_all(r"[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u2581]+", " ")


@rule("- Да, -- сказал он – и ушёл по-русски", "— Да, — сказал он — и ушёл по-русски")
def dashes(text: pl.Expr) -> pl.Expr:
    """A dash between words or at a line's start is an em dash; a hyphen inside words stays."""
    text = text.str.replace_all(r"[\u2010\u2011]", "-")
    text = text.str.replace_all(r"-{2,3}|[\u2013\u2012\u2015\u2212]", "—")
    for _ in range(2):  # of two that share a space, a pass finds the first
        text = text.str.replace_all(r"(?m)(^|[ \t])-([ \t]|$)", "${1}—${2}")
    return text


@rule("  отступ \nстрока  \n", "отступ\nстрока\n")
def line_edges(text: pl.Expr) -> pl.Expr:
    """Spaces at the start and the end of lines go."""
    return text.str.replace_all(r"(?m)^[ \t]+|[ \t]+$", "")


@rule("\n\nраз\n\n\n\nдва\n", "раз\n\nдва")
def blank_lines(text: pl.Expr) -> pl.Expr:
    """At most one blank line in a row, none at the start and the end."""
    return text.str.replace_all(r"\n{3,}", "\n\n").str.strip_chars("\n")
