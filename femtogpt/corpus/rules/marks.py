"""Footnote marks in a text: ``слово[12]``, ``слово{3}``, ``слово*``, ``слово 1``."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import polars as pl

from femtogpt.corpus.rules.editorial_patterns import LETTER
from femtogpt.corpus.rules.rule_registry import has, map_texts, matches, replacement, rule, where

MAX_MARKS = 100  # of one number that are compared: those nearest to the notes
LONGEST_BRACKET = 300  # characters in which a bracket that is open at a mark was opened
LONGEST_NAME = 24  # characters of a word that a number follows: «Параграф 1»
INDENT = 20  # characters of a line's indent, at most
KINDS = ("square", "angle", "curly", "round", "starred")
_TOKEN = re.compile(r"[\[(<{*0-9][\[(<*0-9)\]>}]*")  # starting with a class, which is fast
_SQUARE = re.compile(r"\[\*?(\d{1,3})\]")
_BRACKETED = re.compile(
    r"\[\*?(?P<square>\d{1,3})\]|<<(?P<angle>\d{1,3})>>"
    r"|\{(?P<curly>\d{1,3})\}|\(\*?(?P<round>\d{1,3})\)"
)
_STARRED = re.compile(r"\*(\d{1,3})")
_PLAIN = re.compile(r"(\d{1,3})(?:\*{1,2}|\))?")
_BEFORE_NUMBER = re.compile(  # text before a number that is no mark
    r"(?:№|\b(?:n[oо]?|в|к|на|до|от|с|по|из|за|или|и|около|через|гл|глав[аеуы]|стр|т|лет|ст|около"
    r"|рис|рисун\w*|табл\w*|п|пп|пункт\w*|шаг\w*|част\w*|том\w*|урок\w*|номер\w*|дом\w*|пример\w*"
    r"|задач\w*|вопрос\w*|этап\w*|стать\w*|параграф\w*|страниц\w*|лекци\w*|класс\w*))\.?$",
    re.IGNORECASE,
)
_NUMBERED_LINE = re.compile(r"(?:^|\n)[ \t\u00a0]*[А-ЯЁ][а-яё]+\.?$")  # Шаг 1

_AFTER_MARK = re.compile(r" (?:и|а|но|не|в|на|с|к|по|из|от|у|о|что|как|или|ли|бы)\b")
_ENDING = re.compile(r"[-—–](?:го|му|й|ый|ий|ой|я|ая|е|ое|ые|м|ом|ым|их|ых|х|ми|ю|ую|ти|и)\b")


@dataclass(frozen=True)
class Mark:
    """A possible mark: the span to remove, and how much it looks like a mark."""

    start: int
    end: int
    number: int  # or the number of stars, if it has no other
    kind: str  # square, angle, curly, round, starred, stars or plain
    score: int = 4


class Marks:
    """The possible marks of a text by kind and number, searched for when needed."""

    def __init__(self, text: str):
        self.text = text
        self._square: dict[Any, list[Mark]] | None = None
        self._others: dict[Any, list[Mark]] | None = None
        self._taken: dict[tuple[str, int], int] = {}  # the end of the text where they were taken

    def between(self, kind: str, number: int, start: int, end: int) -> list[Mark]:
        """The marks between two positions of the text, in order, of the last MAX_MARKS."""
        marks = self._of(kind, number)
        last = bisect_left(marks, end, key=_start)
        first = bisect_left(marks, start, key=_start)
        return marks[max(first, last - MAX_MARKS) : last]

    def any(self, kind: str, number: int, start: int, end: int) -> bool:
        """Whether there are marks between two positions."""
        marks = self._of(kind, number)
        first = bisect_left(marks, start, key=_start)
        return first < len(marks) and marks[first].start < end

    def referring(
        self, kinds: Iterable[str], numbers: set[int], start: int, end: int
    ) -> str | None:
        """The first kind of which marks between two positions refer to half of these numbers."""
        for kind in kinds:
            if 2 * sum(self.any(kind, number, start, end) for number in numbers) >= len(numbers):
                return kind
        return None

    def take(self, kind: str, number: int, start: int, end: int) -> list[Mark]:
        """The marks between two positions that have not been taken before."""
        marks = self._of(kind, number)
        first = max(bisect_left(marks, start, key=_start), self._taken.get((kind, number), 0))
        last = bisect_left(marks, end, key=_start)
        self._taken[kind, number] = max(first, last)
        return marks[first:last]

    def _of(self, kind: str, number: int) -> list[Mark]:
        if kind == "square":
            if self._square is None:  # without a search for the others
                found = (
                    m for m in _SQUARE.finditer(self.text) if not _begins(self.text, m.start())
                )
                self._square = _by_form(
                    Mark(_before(self.text, m.start()), m.end(), int(m[1]), kind) for m in found
                )
            return self._square.get((kind, number), [])
        if self._others is None:
            self._others = _by_form(_marks_in(self.text))
        return self._others.get((kind, number), [])


def _start(mark: Mark) -> int:
    return mark.start


def _by_form(marks: Iterable[Mark]) -> dict[Any, list[Mark]]:
    forms: dict[Any, list[Mark]] = {}
    for mark in marks:
        forms.setdefault((mark.kind, mark.number), []).append(mark)
    return forms


def _begins(text: str, at: int) -> bool:
    """Whether a position begins a line: a number there is that of a verse or a note, no mark."""
    return not text[max(0, at - INDENT, text.rfind("\n", max(0, at - INDENT), at) + 1) : at].strip()


def _marks_in(text: str) -> list[Mark]:
    marks = []
    for token in _TOKEN.finditer(text):
        start, end = token.span()
        inside = token[0]
        if inside[0] in "[(<{":
            for match in _BRACKETED.finditer(inside):
                at = start + match.start()
                kind = match.lastgroup or ""
                marks.append(Mark(_before(text, at), start + match.end(), int(match[kind]), kind))
            if inside.strip("[]").strip("*") == "":
                marks += _stars(text, start, end, inside.strip("[]"))
        elif inside[0] == "*":
            if starred := _STARRED.fullmatch(inside):
                marks.append(Mark(_before(text, start), end, int(starred[1]), "starred"))
            elif inside.strip("*]") == "":
                marks += _stars(text, start, end, inside.strip("]"))
        elif len(inside) < 6 and (plain := _PLAIN.fullmatch(inside)):
            score = _score(text, start, end)
            if inside[-1] == ")" and _in_bracket(text, start):
                end -= 1
            if score > 0:
                marks.append(Mark(_before(text, start), end, int(plain[1]), "plain", score))
    return marks


def _in_bracket(text: str, at: int) -> bool:
    """Whether a bracket is open at a position."""
    before = text[max(0, at - LONGEST_BRACKET) : at].rpartition("\n")[2]
    return before.count("(") > before.count(")")


def _before(text: str, at: int) -> int:
    """The start of a mark's span, which includes a single space before the mark."""
    spaced = at >= 2 and text[at - 1] in " \u00a0" and not text[at - 2].isspace()
    return at - 1 if spaced else at


def _stars(text: str, start: int, end: int, stars: str) -> list[Mark]:
    """Stars after a word or a sentence, but not those of «княжна **» and «18**»."""
    before = text[start - 1 : start]
    spaced = before in (" ", "\u00a0")
    if start == 0 or (before.isspace() and not spaced) or before.isdigit():
        return []
    if text[end : end + 1].isalpha() or "* " in text[max(0, start - 2) : start]:
        return []
    if text[end : end + 2] == " *":  # a separator of several stars
        return []
    glued = (before.isalpha() and text[start - 2 : start - 1].isalpha()) or before in '.,!?…»")'
    score = 3 if glued else 1 if spaced else 0
    if not score:
        return []
    return [Mark(_before(text, start), end, len(stars), "stars", score)]


def _score(text: str, start: int, end: int) -> int:
    """How much a bare number looks like a mark; 0 if it cannot be one."""
    after = text[end : end + 1]
    if after.isalnum() or (after in "%°" and after) or start == 0:
        return 0
    before = text[start - 1]
    if before.isalpha() or before in ".,!?…»”\")'":  # glued: Bonjour1, слово.1
        word = text[start - 2 : start - 1]
        if (before in ".," and word.isdigit()) or (before.isalpha() and not word.isalpha()):
            return 0
        return 3 + _foreign(text, start)
    if before not in " \u00a0":
        return 0
    if text[start - 2 : start - 1].isspace():
        return 0
    words = text[max(0, start - LONGEST_NAME) : start - 1]
    if _BEFORE_NUMBER.search(words) or _NUMBERED_LINE.search(words):
        return 0
    if _ENDING.match(text, end):
        return 0
    ends = (
        not after
        or after in '.,;:!?…»”")\n-—–'
        or (after.isspace() and text[end : end + 2][1:] in "\n—–-")
    )
    ends = ends or (text[start - 2] in ".!?…»" and text[end + 1 : end + 2].isupper())
    ends = ends or _AFTER_MARK.match(text, end) is not None  # the number counts nothing
    return (1 if ends else 0) + _foreign(text, start) + (1 if not after.isspace() else 0)


def _foreign(text: str, start: int) -> int:
    """3 after Latin letters, because most notes are translations; else 0."""
    last = text[max(0, start - 6) : start].rstrip(" \u00a0.,!?…»”\")'—-")[-1:]
    return 3 if (last.isascii() and last.isalpha()) or "à" <= last <= "ÿ" else 0


def aligned(marks: Iterable[list[Mark]]) -> list[Mark]:
    """The best of these marks, at most one of each list, in the order of the text.

    Of all such sequences of marks it is the one with the highest sum of scores.
    """
    # End and score, both ascending, of the best chains so far, and their marks as a linked list.
    chains: list[tuple[int, int, tuple[Any, ...]]] = [(-1, 0, ())]
    for candidates in marks:
        extended = []
        for mark in candidates:
            index = bisect_left(chains, (mark.start,)) - 1
            _, score, chain = chains[index]
            extended.append((mark.end, score + mark.score, (mark, chain)))
        for new_chain in extended:
            _insert(chains, new_chain)
    best, chain = [], chains[-1][2]
    while chain:
        best.append(chain[0])
        chain = chain[1]
    return best[::-1]


def _insert(chains: list[tuple[Any, ...]], new_chain: tuple[Any, ...]) -> None:
    """Insert a chain unless one that ends earlier scores as high; drop those that it beats."""
    index = bisect_left(chains, (new_chain[0],))
    if index and chains[index - 1][1] >= new_chain[1]:
        return
    end = index
    while end < len(chains) and chains[end][1] <= new_chain[1]:
        end += 1
    chains[index:end] = [new_chain]


_BRACKET_MARKS = (  # a quick test for a kind of mark, and its pattern; one test for all is slower
    # a[1] is no mark; the bracket comes first since re searches for literals fastest
    (r"\[[0-9*]", re.compile(r"\[(?<!_\[)(?<!\b[A-Za-z]\[)(?:\*?([0-9]{1,4})|\*{1,5})\]")),
    (
        r"\{[0-9*\s–—-]",
        re.compile(r"\{(?<![_^]\{)(?<!\b[A-Za-z]\{)(?:[-–—\s]*([0-9]{1,4})[-–—\s]*|\*{1,3})\}"),
    ),
    (r"<<[0-9]", re.compile(r"<<([0-9]{1,3})>>")),
)


def _without_bracketed(pattern: re.Pattern[str]) -> Callable[[str], str]:
    """A function that removes these marks from a text, but not the numbers of its lines."""

    def without(text: str) -> str:
        marks = list(pattern.finditer(text))
        verses = _verses(text, marks)
        pieces, at = [], 0
        for number, mark in enumerate(marks):
            if number in verses:
                continue
            start, end = mark.span()
            glued = text[start - 1 : start].isalpha() and text[end : end + 1].isalpha()
            spaced = not glued and start > at and text[start - 1] in " \u00a0"
            pieces += [text[at : start - spaced], " " if glued else ""]
            at = end
        return "".join([*pieces, text[at:]])

    return without


def _verses(text: str, marks: list[re.Match[str]]) -> set[int]:
    """The positions in the list of those that begin a line and count up, as verses do."""
    beginning = [
        (index, int(mark[1]))
        for index, mark in enumerate(marks)
        if mark.lastindex and _begins(text, mark.start())
    ]
    verses: set[int] = set()
    for (index, number), (following, next_number) in pairwise(beginning):
        if next_number == number + 1:
            verses |= {index, following}
    return verses


_GLUED = r"([а-яё]{3}[»“]?)\([1-9][0-9]?\)"  # сержант(4)
MIN_GLUED = 3  # of these in a document: one or two may be something else


def _without_glued(text: pl.Expr) -> pl.Expr:
    """Remove numbers in brackets that follow a word without a space, if a text has many."""

    def usual(text: pl.Expr) -> pl.Expr:
        return text.str.count_matches(_GLUED) >= MIN_GLUED

    return where(usual, replacement(_GLUED, "$1"), text)


@rule(
    "слово[12] и дело {3}, конец*, «начало»²; князь Р***, графиня **, 20 м²",
    "слово и дело, конец, «начало»; князь Р***, графиня **, 20 м²",
    needs="a mark after a word or its punctuation, not an index a[1] or a number that counts lines",
    of_editions=True,
)
def footnote_marks(text: pl.Expr) -> pl.Expr:
    """Remove footnote marks: [12], {3}, <<4>>, ² and a star after a word."""

    def starred(text: pl.Expr) -> pl.Expr:  # «Р***» and «графиня **» hide names
        before = rf"[{LETTER}]\p{{Ll}}|[.,!?…»\"“”)\]]"
        text = text.str.replace_all(rf"({before})\*([^*{LETTER}0-9]|$)", "$1$2")
        spaced = replacement(r"(\p{Ll}{3})[ \u00a0]\*([.,;:!?])", "$1$2")
        return where(has("*.", "*,", "*;", "*:", "*!", "*?"), spaced, text)

    def plain(text: pl.Expr) -> pl.Expr:  # stars, but none for emphasis: *так*
        return has("*")(text) & ~text.str.contains(rf"(?m)(?:^|[\s(«])\*[{LETTER}][^*\n]*\*")

    for test, mark in _BRACKET_MARKS:
        text = map_texts(matches(test), _without_bracketed(mark), text)
    text = where(matches(r"\([1-9]"), _without_glued, text)
    text = where(plain, starred, text)
    raised = replacement(rf"([{LETTER}]{{3}}|[.,!?…»\"“”)\]])[¹²³⁴-⁹⁰]+", "$1")  # «м²» is a measure
    return where(has(*"¹²³⁴⁵⁶⁷⁸⁹⁰"), raised, text)
