"""Rules that change the language of a text and apply only if a source's YAML names them.

By default foreign passages, ё, the old spelling and capitals stay as they are.
"""

from __future__ import annotations

import re

import polars as pl

from femtogpt.corpus.rules.lookalikes import is_old, lookalikes, old_i
from femtogpt.corpus.rules.rule_registry import map_lines, rule, where

FOREIGN_SHARE = 0.75  # of the letters of a foreign passage are not Cyrillic
MIN_LETTERS = 12  # of a foreign passage; fewer are a name or a word
_ROUND = re.compile(r"[ \u00a0]?\(([^()]*)\)")
NEAR = 10  # characters before words in capitals that show whether they begin a sentence
_CAPITALS = re.compile(r"(?<![А-ЯЁ])[А-ЯЁ]{2,}(?:(?:[\s,«»„“:-]|\s[—–]\s)+[А-ЯЁ]+)+(?![а-яё])")
_HEADING = re.compile(r"\W*[А-ЯЁ]{5,}\W*")  # of one word
_VOWEL = re.compile(r"[АЕЁИОУЫЭЮЯ]")


@rule(
    "— Eh bien, mon prince, vous êtes servi.\n— Ну, здравствуйте, ma chère.\n"
    "Он ушёл (il s’en va à Paris).",
    "— Ну, здравствуйте, ma chère.\nОн ушёл.",
    needs="twelve letters or more, three quarters of them not Cyrillic",
)
def foreign_passages(text: pl.Expr) -> pl.Expr:
    """Remove lines and bracketed passages in Latin or Greek letters; keep words in other lines."""
    return map_lines(r"\p{Latin}{2}[^\p{Cyrillic}\n]{10}|\p{Greek}{2}", _in_russian, text)


def _in_russian(line: str) -> str | None:
    def kept(passage: re.Match[str]) -> str:
        return "" if _foreign(passage[1]) else passage[0]

    line = _ROUND.sub(kept, line)
    return None if _foreign(line) else line


def _foreign(passage: str) -> bool:
    letters = [char for char in passage if char.isalpha()]
    russian = sum("\u0400" <= char <= "\u052f" for char in letters)
    return len(letters) >= MIN_LETTERS and len(letters) - russian >= FOREIGN_SHARE * len(letters)


@rule(
    "ёлка, ещё, Ёж",
    "елка, еще, Еж",
    needs="the letter",
)
def yo_to_ye(text: pl.Expr) -> pl.Expr:
    """Replace the letter ё with е."""
    return text.str.replace_many({"ё": "е", "Ё": "Е"})


@rule(
    "Въ нѣкоторомъ царствѣ жилъ-былъ добраго, прежняго времени міръ: объ Ѳомѣ, мѵро",
    "В некотором царстве жил-был доброго, прежнего времени мир: об Фоме, миро",
    needs="three old letters or final ъ in the text",
)
def old_spelling(text: pl.Expr) -> pl.Expr:
    """Modernise the spelling of before 1918: ѣ ѳ і ѵ, ъ at the end of words, -аго and -яго.

    Also a Latin i typed for і: «Россiя».
    """
    return where(is_old, _new_spelling, text)


def _new_spelling(text: pl.Expr) -> pl.Expr:
    text = lookalikes(old_i(text))
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
    needs="two or more words in capitals in a row, or a heading of one long word",
)
def shouting(text: pl.Expr) -> pl.Expr:
    """Convert lines and runs of words in capitals to sentence case; keep single words."""
    return map_lines(r"\p{Lu}{2}[^\p{Ll}]*\p{Lu}{2}", _without_capitals, text)


def _without_capitals(line: str) -> str:
    if _HEADING.fullmatch(line) and _VOWEL.search(line):
        return _sentence_case(line)

    def lower(words: re.Match[str]) -> str:
        before = line[max(0, words.start() - NEAR) : words.start()].rstrip(" «„—–-")
        begins = not before or before[-1] in ".!?…"
        return _sentence_case(words[0]) if begins else words[0].lower()

    return _CAPITALS.sub(lower, line)


def _sentence_case(words: str) -> str:
    first = next(index for index, char in enumerate(words) if char.isalpha())
    return words[: first + 1] + words[first + 1 :].lower()
