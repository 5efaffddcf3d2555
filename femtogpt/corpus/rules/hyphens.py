"""Hyphens with a space on one side: what they are, the text's other words tell."""

from __future__ import annotations

import re

import polars as pl

from femtogpt.corpus.rules.registry import mapped, rule
from femtogpt.corpus.rules.signs import LETTER

_LOOSE = re.compile(  # a literal first: the fastest search re has
    r"-(?: (?=\w)|(?<= -)(?=\w)|\s*\n\s*(?=[а-яё]))"
)
_LONGEST = 40  # letters of a word
_BEFORE = re.compile(r"(?<![\w-])(?<!- )[^\W\d_]+(?= ?$)")
_AFTER = re.compile(r"\s*([^\W\d_]+)(?![\w-])")
_SHARED = frozenset({"и", "или", "либо", "да"})  # трёх- или четырёхлетний


@rule(
    "Старый мель- ник молчал- никто не ответил. «Чудак ты, мельник! Кто молчал? Никто».",
    "Старый мельник молчал — никто не ответил. «Чудак ты, мельник! Кто молчал? Никто».",
)
def loose_hyphens(text: pl.Expr) -> pl.Expr:
    """A hyphen and a space within a word that the text has elsewhere go; between words, a dash.

    So does a hyphen at a line's end, and the line's end with it.
    """
    return mapped(_has_loose, _told, text)


def _has_loose(text: pl.Expr) -> pl.Expr:
    """Several tests, as one with all would be slow."""
    after = text.str.contains(rf"[{LETTER}]- [{LETTER}]")
    before = text.str.contains(rf"[{LETTER}] -[{LETTER}]")
    return after | before | text.str.contains(r"[а-яё]-\n\s*[а-яё]")


def _told(text: str) -> str:
    pieces, at = [], 0
    for hyphen in _LOOSE.finditer(text):
        place = hyphen.start()
        before = _BEFORE.search(text[max(at, place - _LONGEST) : place])
        after = _AFTER.match(text, place + 1, place + _LONGEST)
        if not before or not after or text[place - 1 : place + 2] == " - ":
            continue
        broken = "\n" in text[place : after.start(1)]
        between = (_within if broken else _between)(text, before[0], after[1])
        if between is not None:
            pieces += [text[at:place].removesuffix(" "), between]
            at = after.start(1)
    return "".join([*pieces, text[at:]])


def _between(text: str, before: str, after: str) -> str | None:
    """What belongs between two parts; None where the text does not tell."""
    if _has_word(text, before + after):
        return ""
    if after in _SHARED or len(after) < 2 or (len(before) < 2 and before not in "яЯ"):
        return None
    return " — " if _has_word(text, before) and _has_word(text, after) else None


def _within(text: str, before: str, after: str) -> str | None:
    """What belongs between two parts of a word that a line's end broke."""
    if _has_word(text, before + after):
        return ""
    return "-" if _has_word(text, f"{before}-{after}") else None


def _has_word(text: str, word: str) -> bool:
    """Whether a word is in a text, with nothing but spaces and punctuation around."""
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        around = text[max(0, at - 1) : at] + text[end : end + 1]
        if not any(char.isalnum() or char == "-" for char in around):
            return True
        at = text.find(word, end)
    return False
