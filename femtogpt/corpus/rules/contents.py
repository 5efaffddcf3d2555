"""Rules for what an edition adds to a work: contents, imprint, the lines of a web library."""

from __future__ import annotations

import re

import polars as pl

from femtogpt.corpus.rules.editorial_patterns import LETTER
from femtogpt.corpus.rules.rule_registry import has, map_texts, matches, replacement, rule, where
from femtogpt.corpus.rules.title_matching import key_of

ENDS = 3000  # characters at each end of a text that are searched for a library's lines
LONGEST_LINE = 300  # characters of such a line
CONTENTS_LINES = 800  # of a table of contents, at most
_HEADING = re.compile(r"\W*(?:содержание|оглавление|состав)\W*", re.IGNORECASE)
_NUMBERED = re.compile(
    r"^[\s#]*\d{1,3}[.)]?\s+|[\s.…]+\d{1,4}\s*$|\(.*?\)|\s[—–-]+\s\d+\s\w+[;.]?$"
)
_FIRST_LINES = r"(?m)^[ \t]*#\d{1,3} [^\n]{1,90}\n\s*"
_LIBRARY = (  # the beginning of such a line, in lower case
    r"(?:ocr|spell ?check|scan(?:ned)? by|сканировани[а-я]+|вычитка|оригинал (?:находится )?здесь"
    r"|форматирование|набор текста|origin|источник(?: текста)?|издание|дата создания"
    r"|последняя редакция|корректор|верстка|размещен[оа]?|обновлено|размер|статистика"
    r"|тираж|изд)\s*:|(?:ocr|isbn|удк|ббк)[\s:,]"
    r"|©|copyright\s|сверка произведена|текст (?:предоставлен|подготовлен|взят|печатается по)"
    r"|печатается по|этот (?:файл|текст) (?:создан|загружен|взят)|оставить комментарий|ваша оценка"
    r"|связаться с программистом|библиотека мошкова|подписано (?:в|к) печат|отпечатано|lib\.ru"
    r"|электронн[а-я]+ (?:библиотека|версия)|https?://|www\.|материал из викитеки"
    r"|[а-я]+: (?:проза|поэзия|драматургия|публицистика|критика)$|год: \d{4}$|сдано в набор"
    r"|формат \d+ ?[xх]|усл\. ?печ|уч\.-изд|гарнитура|заказ №|тираж [\d ]+экз"
    r"|литературно-художественное издание"
    r"|(?:[а-я]+ )?(?:редактор|художник|корректор)ы?:? (?:[а-яё]\. ?){1,2}[а-яё-]+$"
    r"|издательство «[^»\n]+»\W{0,3}$"
)
_CONTINUED = rf"[^\n]{{0,{LONGEST_LINE}}},[ \t\u00a0]*\n"  # a line that ends with a comma
_CHECKED = "Сверка произведена по "
_LINE = re.compile(  # to its end, or further if it ends with a comma
    rf"(?mi)^[^\n\w]{{0,10}}(?:{_LIBRARY})(?:{_CONTINUED})*[^\n]{{0,{LONGEST_LINE}}}$\n?"
)


@rule(
    "OCR: Библиотека «Звезда»\nhttp://example.ru/t\n\nСтоял туман.\n\nДата создания: 1886\nISBN 5",
    "\nСтоял туман.\n\n",
    needs="a line that begins as a library's or publisher's, within 3000 characters of an end",
    of_editions=True,
)
def imprints(text: pl.Expr) -> pl.Expr:
    """Remove the lines of libraries and publishers at both ends of a work: OCR, ISBN, links."""
    checked = replacement(rf"(?m)^{_CHECKED}(?:{_CONTINUED})*[^\n]*\n?", "")
    text = where(has(_CHECKED), checked, text)  # anywhere: a book may be joined from several files
    return map_texts(_at_ends, _without_library, text)


def _at_ends(text: pl.Expr) -> pl.Expr:
    """Whether either end has such lines; in lower case, as case-insensitive patterns are slow."""
    ends = text.str.head(ENDS) + "\n" + text.str.tail(ENDS)
    return ends.str.to_lowercase().str.contains(rf"(?m)^[^\n{LETTER}0-9]{{0,10}}(?:{_LIBRARY})")


def _without_library(text: str) -> str:
    if len(text) <= 2 * ENDS:
        return _LINE.sub("", text)
    end = text.find("\n", ENDS) + 1 or len(text)
    start = max(end, text.rfind("\n", 0, len(text) - ENDS) + 1)
    return _LINE.sub("", text[:end]) + text[end:start] + _LINE.sub("", text[start:])


@rule(
    "СОДЕРЖАНИЕ\nУтро (1)\nВечер (2)\n\nУТРО\nСтоял туман.\n\nВЕЧЕР\nСтемнело.",
    "УТРО\nСтоял туман.\n\nВЕЧЕР\nСтемнело.",
    needs="a heading, then a line that repeats an entry or the book's end; or ten numbered lines",
    of_editions=True,
)
def contents(text: pl.Expr) -> pl.Expr:
    """Remove a table of contents, from its heading to where the work begins with its first entry.

    Also remove a numbered list of first lines of poems without a heading: #01, #02 and so on.
    """
    verses = matches(rf"(?:{_FIRST_LINES}){{10}}")
    text = where(has("#01"), lambda text: where(verses, replacement(_FIRST_LINES, ""), text), text)
    heading = r"(?:Содержание|СОДЕРЖАНИЕ|Оглавление|ОГЛАВЛЕНИЕ|СОСТАВ)[^\pL\n]*\n"
    return map_texts(matches(heading), _without_contents, text)


def _without_contents(text: str) -> str:
    lines = text.split("\n")
    kept, index = [], 0
    while index < len(lines):
        end = _end(lines, index) if _HEADING.fullmatch(lines[index]) else index
        if end > index:
            index = end
        else:
            kept.append(lines[index])
            index += 1
    return "\n".join(kept)


def _end(lines: list[str], heading: int) -> int:
    """The line after a table of contents; that of the heading if there is no such table."""
    entries: list[str] = []
    last = min(heading + CONTENTS_LINES, len(lines))
    for index in range(heading + 1, last):
        key = key_of(_NUMBERED.sub("", lines[index]))
        if not key:
            continue
        if len(lines[index]) > LONGEST_LINE:
            return heading
        if len(entries) > 1 and any(key.startswith(first) for first in entries[:2]):
            return index
        entries.append(key)
    short = last == len(lines) and 5 * heading > 4 * len(lines)  # at the end of a book
    return last if short and len(entries) > 2 else heading
