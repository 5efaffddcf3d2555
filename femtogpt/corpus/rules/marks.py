"""Marks in a text that point to notes: ``слово[12]``, ``слово{3}``, ``слово*``, ``слово 1``."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from femtogpt.corpus.rules.registry import Change, has, matches, replaced, rule, where
from femtogpt.corpus.rules.signs import LETTER

KINDS = ("square", "angle", "curly", "round", "starred")
_TOKEN = re.compile(r"[\[(<{*0-9][\[(<*0-9)\]>}]*")  # a class first: the fastest search re has
_SQUARE = re.compile(r"\[\*?(\d{1,3})\]")
_BRACKETED = re.compile(
    r"\[\*?(?P<square>\d{1,3})\]|<<(?P<angle>\d{1,3})>>"
    r"|\{(?P<curly>\d{1,3})\}|\(\*?(?P<round>\d{1,3})\)"
)
_STARRED = re.compile(r"\*(\d{1,3})")
_PLAIN = re.compile(r"(\d{1,3})(?:\*{1,2}|\))?")
_COUNTED = re.compile(  # what stands before or after a number that is no mark
    r"(?:№|\b(?:n[oо]?|в|к|на|до|от|с|по|из|за|или|и|около|через|гл|глав[аеуы]|стр|т|лет|ст|около))\.?$",
    re.IGNORECASE,
)

_GOES_ON = re.compile(r" (?:и|а|но|не|в|на|с|к|по|из|от|у|о|что|как|или|ли|бы)\b")
_ENDING = re.compile(r"[-—–](?:го|му|й|ый|ий|ой|я|ая|е|ое|ые|м|ом|ым|их|ых|х|ми|ю|ую|ти|и)\b")


@dataclass(frozen=True)
class Mark:
    """A possible mark: the span that goes with it, and how much it looks like one."""

    start: int
    end: int
    number: int  # of stars, where it is stars alone
    kind: str  # square, angle, curly, round, starred, stars or plain
    score: int = 4


class Marks:
    """The possible marks of a text, looked for when they are asked for."""

    def __init__(self, text: str):
        self.text = text
        self.found: list[Mark] | None = None
        self.starts: list[int] = []

    def square(self, start: int, end: int) -> list[Mark]:
        """Those in square brackets alone, between two places of the text: found faster."""
        found = _SQUARE.finditer(self.text, start, end)
        return [Mark(_before(self.text, m.start()), m.end(), int(m[1]), "square") for m in found]

    def all(self, start: int, end: int) -> list[Mark]:
        """All between two places of the text, in order."""
        if self.found is None:
            self.found = _marks_in(self.text)
            self.starts = [mark.start for mark in self.found]
        return self.found[bisect_left(self.starts, start) : bisect_left(self.starts, end)]


def _marks_in(text: str) -> list[Mark]:
    marks = []
    for token in _TOKEN.finditer(text):
        start, end = token.span()
        inside = token[0]
        if inside[0] in "[(<{":
            for found in _BRACKETED.finditer(inside):
                at = start + found.start()
                number = int(found[found.lastgroup])
                marks.append(Mark(_before(text, at), start + found.end(), number, found.lastgroup))
            if inside.strip("[]").strip("*") == "":
                marks += _stars(text, start, end, inside.strip("[]"))
        elif inside[0] == "*":
            if found := _STARRED.fullmatch(inside):
                marks.append(Mark(_before(text, start), end, int(found[1]), "starred"))
            elif inside.strip("*]") == "":
                marks += _stars(text, start, end, inside.strip("]"))
        elif len(inside) < 6 and (found := _PLAIN.fullmatch(inside)):
            score = _score(text, start, end)
            if inside[-1] == ")" and _open(text, start):
                end -= 1
            if score > 0:
                marks.append(Mark(_before(text, start), end, int(found[1]), "plain", score))
    return marks


def _open(text: str, at: int) -> bool:
    """Whether a bracket is open there."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line.count("(") > line.count(")")


def _before(text: str, at: int) -> int:
    """Where a mark's span begins: a single space before it goes with it."""
    spaced = at >= 2 and text[at - 1] in " \u00a0" and not text[at - 2].isspace()
    return at - 1 if spaced else at


def _stars(text: str, start: int, end: int, stars: str) -> list[Mark]:
    """Stars after a word or a sentence; «княжна **» and «18**» hide a name and a year."""
    before = text[start - 1 : start]
    spaced = before in (" ", "\u00a0")
    if start == 0 or (before.isspace() and not spaced) or before.isdigit():
        return []
    if text[end : end + 1].isalpha() or "* " in text[max(0, start - 2) : start]:
        return []
    if text[end : end + 2] == " *":  # a row of stars parts chapters
        return []
    glued = (before.isalpha() and text[start - 2 : start - 1].isalpha()) or before in '.,!?…»")'
    score = 3 if glued else 1 if spaced else 0
    if not score:
        return []
    return [Mark(_before(text, start), end, len(stars), "stars", score)]


def _score(text: str, start: int, end: int) -> int:
    """How much a bare number looks like a mark."""
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
    if _COUNTED.search(text[max(0, start - 8) : start - 1]):
        return 0
    if _ENDING.match(text, end):
        return 0
    ends = (
        not after
        or after in '.,;:!?…»”")\n-—–'
        or (after.isspace() and text[end : end + 2][1:] in "\n—–-")
    )
    ends = ends or (text[start - 2] in ".!?…»" and text[end + 1 : end + 2].isupper())
    ends = ends or _GOES_ON.match(text, end)  # nothing is counted
    return (1 if ends else 0) + _foreign(text, start) + (1 if not after.isspace() else 0)


def _foreign(text: str, start: int) -> int:
    """3 where Latin letters precede: most notes translate."""
    last = text[max(0, start - 6) : start].rstrip(" \u00a0.,!?…»”\")'—-")[-1:]
    return 3 if (last.isascii() and last.isalpha()) or "à" <= last <= "ÿ" else 0


def aligned(numbers: Iterable[int], marks: list[Mark]) -> list[Mark]:
    """One mark for each number, in the order of the text, so that they look best together."""
    chains: list[tuple[int, int, tuple]] = [(-1, 0, ())]  # position, score, chain: both rise
    for number in numbers:
        grown = []
        for mark in marks:
            if mark.number == number:
                index = bisect_left(chains, (mark.start,)) - 1
                _, score, chain = chains[index]
                grown.append((mark.end, score + mark.score, (mark, chain)))
        for one in grown:
            _insert(chains, one)
    found, chain = [], chains[-1][2]
    while chain:
        found.append(chain[0])
        chain = chain[1]
    return found[::-1]


def _insert(chains: list[tuple], one: tuple) -> None:
    """Keep only chains that no earlier-ending one beats."""
    index = bisect_left(chains, (one[0],))
    if index and chains[index - 1][1] >= one[1]:
        return
    end = index
    while end < len(chains) and chains[end][1] <= one[1]:
        end += 1
    chains[index:end] = [one]


_POINTS = (  # what shows a kind of mark, and the mark: apart, as one test for all is slow
    (r"\[[0-9*]", r"\[(?:\*?[0-9]{1,4}|\*{1,5})\]"),
    (r"\{[0-9*\s–—-]", r"\{(?:[-–—\s]*[0-9]{1,4}[-–—\s]*|\*{1,3})\}"),
    (r"<<[0-9]", r"<<[0-9]{1,3}>>"),
)


_GLUED = r"([а-яё]{3}[»“]?)\([1-9][0-9]?\)"  # сержант(4)
HABIT = 3  # of these in a document, at least: one or two may be something else


def _unglued(text: pl.Expr) -> pl.Expr:
    """Numbers in brackets that follow a word without a space go, where a text has many."""

    def usual(text: pl.Expr) -> pl.Expr:
        return text.str.count_matches(_GLUED) >= HABIT

    return where(usual, replaced(_GLUED, "$1"), text)


@rule(
    "слово[12] и дело {3}, конец*, «начало»²; князь Р***, графиня **, 20 м²",
    "слово и дело, конец, «начало»; князь Р***, графиня **, 20 м²",
)
def footnote_marks(text: pl.Expr) -> pl.Expr:
    """Marks that pointed to notes go: [12], {3}, <<4>>, ², and a star after a word."""

    def bracketed(mark: str) -> Change:
        between = replaced(rf"([{LETTER}]){mark}([{LETTER}])", "$1 $2")
        return lambda text: between(text).str.replace_all(rf"[ \u00a0]?{mark}", "")

    def starred(text: pl.Expr) -> pl.Expr:  # «Р***» and «графиня **» hide names
        before = rf"[{LETTER}]\p{{Ll}}|[.,!?…»\"“”)\]]"
        text = text.str.replace_all(rf"({before})\*([^*{LETTER}0-9]|$)", "$1$2")
        spaced = replaced(r"(\p{Ll}{3})[ \u00a0]\*([.,;:!?])", "$1$2")
        return where(has("*.", "*,", "*;", "*:", "*!", "*?"), spaced, text)

    def plain(text: pl.Expr) -> pl.Expr:  # stars that are not for emphasis: *so*
        return has("*")(text) & ~text.str.contains(rf"(?m)(?:^|[\s(«])\*[{LETTER}][^*\n]*\*")

    for shown, mark in _POINTS:
        text = where(matches(shown), bracketed(mark), text)
    text = where(matches(r"\([1-9]"), _unglued, text)
    text = where(plain, starred, text)
    raised = replaced(rf"([{LETTER}]{{3}}|[.,!?…»\"“”)\]])[¹²³⁴-⁹⁰]+", "$1")  # «м²» is a measure
    return where(has(*"¹²³⁴⁵⁶⁷⁸⁹⁰"), raised, text)
