"""Hard-wrapped prose: its lines joined to paragraphs, and only they.

A line of wrapped prose is full: the next line's first word would not have fitted. Verse, letters,
plays, lists and headings are not. A paragraph begins after a blank line, at a deeper indent, or
after a line that is not full.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from femtogpt.corpus.rules.hyphens import WORD, mended
from femtogpt.corpus.rules.registry import mapped, matches, rule
from femtogpt.corpus.rules.signs import RULER, breaks_sentence

NARROWEST, WIDEST = 45, 100  # characters in a full line: verse is narrower, a paragraph wider
SLACK = 2  # a line may be so much shorter than it had to be: rules before took something from it
SAMPLE = 3000  # lines that show how a document is wrapped
FEWEST, SHARE = 3, 0.5  # of full lines before a small letter, where a document is taken for wrapped
_SMALL = "абвгдежзийклмнопрстуфхцчшщъыьэюяё"
_LONG = rf"[а-яё][^\n]{{{NARROWEST}}}"  # a line that goes on a sentence
_ENDS = "|".join(rf"{letter}\n" for letter in _SMALL)  # of literals: the faster to look for
_BREAK = re.compile(rf"\n\n?(?={_LONG})")
_BROKEN = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)*)-$")
_SPEAKER = re.compile(r"[А-ЯЁ]{2,}(?: [А-ЯЁ]{2,})*(?: \([^()]*\))?[.:] ")  # of a play


@rule(
    "   Было раннее утро, и над рекою стоял туман. Мель-\n"
    "ник вышел на крыльцо, поглядел на небо, а там по-\n"
    "прежнему моросил мелкий холодный дождь, и собака\nспала.\n"
    "   -- Быть сегодня грозе, -- сказал он собаке и\nвздохнул.",
    "Было раннее утро, и над рекою стоял туман. Мельник вышел на крыльцо, поглядел на небо, "
    "а там по-прежнему моросил мелкий холодный дождь, и собака спала.\n"
    "-- Быть сегодня грозе, -- сказал он собаке и вздохнул.",
)
def paragraphs(text: pl.Expr) -> pl.Expr:
    """Lines of hard-wrapped prose become paragraphs; those of verse, plays and letters stay."""
    return mapped(_in_lines, joined, text)


@rule(
    f"{'Он долго и подробно рассказывал о своей поездке. ' * 3}И тут\n\n"
    "дверь отворилась, и все гости разом замолчали и встали.",
    f"{'Он долго и подробно рассказывал о своей поездке. ' * 3}И тут "
    "дверь отворилась, и все гости разом замолчали и встали.",
)
def broken_lines(text: pl.Expr) -> pl.Expr:
    """Lines too long for verse are joined where a page's end broke a sentence between them."""
    return mapped(matches(rf"(?:{_ENDS})\n?{_LONG}"), _resumed, text)


def _resumed(text: str) -> str:
    """The text; a line that breaks off amid a sentence, too long for verse, gets the next one."""
    pieces, at = [], 0
    for found in _BREAK.finditer(text):
        end = found.start()
        start = text.rfind("\n", 0, end) + 1
        if text[end - 1] in _SMALL and (end - start >= WIDEST or 0 < start <= at):
            pieces += [text[at:end], " "]
            at = found.end()
    return "".join([*pieces, text[at:]])


def _in_lines(text: pl.Expr) -> pl.Expr:
    """Whether lines are short on the average, and some end amid a sentence."""
    lines = text.str.count_matches("\n", literal=True) + 1
    characters = text.str.len_bytes() / lines / 1.8  # about: a Russian letter has two bytes
    amid = text.str.count_matches(r"\n[ \t\u00a0]*[а-яё]")
    return (amid >= FEWEST) & characters.is_between(15, WIDEST + 20)


@dataclass(frozen=True)
class _Wrapping:
    width: int  # of a full line
    base: int  # the indent of the lines that go on a paragraph
    indented: bool  # whether paragraphs begin with a deeper indent


def joined(text: str) -> str:
    """The text with its paragraphs as one line each, if it is wrapped; else as it is."""
    lines = text.split("\n")
    wrapping = _wrapping([line.rstrip() for line in lines[:SAMPLE]])
    if wrapping is None:
        return text
    words: Counter[str] = Counter()
    paragraphs: list[list[str]] = []
    before = ""
    for line in map(str.rstrip, lines):
        bare = line.lstrip()
        if before and bare and _goes_on(before, len(line) - len(bare), bare, wrapping):
            broken = before[-1] == "-" and bare[0].islower() and _BROKEN.search(before)
            if broken:
                words = words or Counter(WORD.findall(text.lower()))
                cut = paragraphs[-1][-1][: -len(broken[0])]
                paragraphs[-1][-1] = cut + mended(broken[1], bare, words)
            else:
                paragraphs[-1].append(bare)
        else:
            paragraphs.append([bare])
        before = line
    return "\n".join(" ".join(lines) for lines in paragraphs)


def _wrapping(lines: list[str]) -> _Wrapping | None:
    """How a document is wrapped; None if it is not."""
    lines = [line for line in lines if not RULER.fullmatch(line)]
    long = sorted(len(line) for line in lines if len(line) >= NARROWEST)
    if len(long) < FEWEST or bisect_right(long, WIDEST) < 0.95 * len(long):
        return None
    width = long[int(0.97 * (len(long) - 1))]
    pairs = [(a, b) for a, b in pairwise(lines) if b and 10 * len(a) > 7 * width]
    going = [b for a, b in pairs if not _capital(b) and _full(a, b.lstrip(), width)]
    if len(going) < max(FEWEST, SHARE * len(pairs)):
        return None
    base = Counter(map(_indent, going)).most_common(1)[0][0]
    deeper = sum(base < _indent(line) <= base + 10 for line in lines)
    return _Wrapping(width, base, deeper >= FEWEST)


def _full(line: str, following: str, width: int) -> bool:
    """Whether the first word of the next line, told without indent, would not have fitted."""
    if len(line) > width - SLACK:
        return True
    space = following.find(" ")
    return len(line) + 1 + (space if space > 0 else len(following)) > width - SLACK


def _goes_on(before: str, indent: int, line: str, wrapping: _Wrapping) -> bool:
    """Whether a line, told without its indent, goes on the paragraph of the line before."""
    if line[0] in "-–—_=" and RULER.fullmatch(line):
        return False
    full = _full(before, line, wrapping.width)
    if full and wrapping.indented and indent <= wrapping.base:
        return True
    if indent > wrapping.base or not full:
        near = full if indent > wrapping.base else 10 * len(before) > 6 * wrapping.width
        return near and breaks_sentence(before, line)
    speech = line[0] in "-–—" or _SPEAKER.match(line)
    return not (speech and before[-1] in '.!?…:»")')


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _capital(line: str) -> bool:
    first = line.lstrip(' \t\u00a0"«„(-–—')[:1]
    return first.isupper()
