"""Rules that a source asks for: they take something that belongs to the text.

No chain has them by itself: foreign passages, ё, the old spelling and capitals are left alone.
"""

from __future__ import annotations

import re

import polars as pl

from femtogpt.corpus.rules.registry import mapped_lines, rule, where

FOREIGN = 0.75  # of a passage's letters are not Cyrillic
LETTERS = 12  # of a foreign passage, at least; fewer are a name or a word
_ROUND = re.compile(r"[ \u00a0]?\(([^()]*)\)")
_SHOUTED = re.compile(r"[А-ЯЁ]{2,}(?:(?:[\s,«»„“:-]|\s[—–]\s)+[А-ЯЁ]+)+(?![а-яё])")
_LOUD = re.compile(r"\W*[А-ЯЁ]{5,}\W*")  # a heading of one word
_VOWEL = re.compile(r"[АЕЁИОУЫЭЮЯ]")


@rule(
    "— Eh bien, mon prince, vous êtes servi.\n— Ну, здравствуйте, ma chère.\n"
    "Он ушёл (il s’en va à Paris).",
    "— Ну, здравствуйте, ma chère.\nОн ушёл.",
)
def foreign_passages(text: pl.Expr) -> pl.Expr:
    """Lines and bracketed passages in Latin or Greek letters go; words in Russian ones stay."""
    return mapped_lines(r"\p{Latin}{2}[^\p{Cyrillic}\n]{10}|\p{Greek}{2}", _in_russian, text)


def _in_russian(line: str) -> str | None:
    def kept(passage: re.Match) -> str:
        return "" if _foreign(passage[1]) else passage[0]

    line = _ROUND.sub(kept, line)
    return None if _foreign(line) else line


def _foreign(passage: str) -> bool:
    letters = [char for char in passage if char.isalpha()]
    russian = sum("\u0400" <= char <= "\u052f" for char in letters)
    return len(letters) >= LETTERS and len(letters) - russian >= FOREIGN * len(letters)


@rule("ёлка, ещё, Ёж", "елка, еще, Еж")
def yo_to_ye(text: pl.Expr) -> pl.Expr:
    """The letter ё becomes е."""
    return text.str.replace_many({"ё": "е", "Ё": "Е"})


@rule(
    "Въ нѣкоторомъ царствѣ жилъ-былъ добраго, прежняго времени міръ: объ Ѳомѣ, мѵро",
    "В некотором царстве жил-был доброго, прежнего времени мир: об Фоме, миро",
)
def old_spelling(text: pl.Expr) -> pl.Expr:
    """The spelling before 1918 becomes the new one: ѣ ѳ і ѵ, ъ at a word's end, -аго and -яго."""
    return where(_is_old, _new_spelling, text)


def _is_old(text: pl.Expr) -> pl.Expr:
    """Whether there are more old letters and endings than a quotation would have."""
    return text.str.count_matches(r"[ѣѢѳѲѵѴ]|\p{Ll}ъ(?:[^\pL]|$)") >= 3


def _new_spelling(text: pl.Expr) -> pl.Expr:
    letters = {"ѣ": "е", "Ѣ": "Е", "ѳ": "ф", "Ѳ": "Ф", "і": "и", "І": "И", "ѵ": "и", "Ѵ": "И"}
    text = text.str.replace_many(letters)
    text = text.str.replace_all(r"(\pL)[ъЪ]([^\pL]|$)", "$1$2")
    # «благо» has two letters before the ending; after ж, ч, ш, щ the new ending is -его
    text = text.str.replace_all(r"(\p{Ll}{2}[жчшщ])аго([^\pL]|$)", "${1}его$2")
    text = text.str.replace_all(r"(\p{Ll}{3})аго([^\pL]|$)", "${1}ого$2")
    return text.str.replace_all(r"(\p{Ll}{3})яго([^\pL]|$)", "${1}его$2")


@rule(
    "ЧАСТЬ ПЕРВАЯ\nПРОЛОГ\nОн крикнул: ПОДИТЕ ПРОЧЬ! Я из СССР, глава XIX.",
    "Часть первая\nПролог\nОн крикнул: подите прочь! Я из СССР, глава XIX.",
)
def shouting(text: pl.Expr) -> pl.Expr:
    """Lines and runs of words in capitals are written as others are; single words stay."""
    return mapped_lines(r"\p{Lu}{2}[^\p{Ll}]*\p{Lu}{2}", _calmed, text)


def _calmed(line: str) -> str:
    if _LOUD.fullmatch(line) and _VOWEL.search(line):
        return _sentence(line)

    def calm(words: re.Match) -> str:
        before = line[: words.start()].rstrip(" «„—–-")
        begins = not before or before[-1] in ".!?…"
        return _sentence(words[0]) if begins else words[0].lower()

    return _SHOUTED.sub(calm, line)


def _sentence(words: str) -> str:
    first = next(index for index, char in enumerate(words) if char.isalpha())
    return words[: first + 1] + words[first + 1 :].lower()
