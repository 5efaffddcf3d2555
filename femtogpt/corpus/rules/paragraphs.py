"""Rules for hard-wrapped prose: join its lines to paragraphs, and no other lines.

A line of wrapped prose is full: the first word of the next line would not have fitted. The lines of
verse, letters, plays, lists and headings are not. A paragraph begins after a blank line, at a
deeper indent, or after a line that is not full.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from femtogpt.corpus.rules.editorial_patterns import RULER, breaks_sentence
from femtogpt.corpus.rules.hyphens import LONGEST_WORD, WORD, join_broken_word
from femtogpt.corpus.rules.rule_registry import map_texts, matches, rule

NARROWEST, WIDEST = 45, 210  # characters in a full line: verse is narrower
WIDEST_VERSE = 100  # characters in a line of verse, at most
SLACK = 2  # characters that a full line may lack, as earlier rules may have shortened it
SAMPLE_LINES = 3000  # that show how a document is wrapped
MIN_FULL, MIN_SHARE = 3, 0.5  # full lines before a lower-case letter, in a wrapped document
_LOWER_CASE = "абвгдежзийклмнопрстуфхцчшщъыьэюяё"
_LONG = rf"[а-яё][^\n]{{{NARROWEST}}}"  # a line that continues a sentence
_ENDS = "|".join(
    rf"{letter}\n" for letter in _LOWER_CASE
)  # literals, which are faster to search for
_BREAK = re.compile(rf"\n\n?(?={_LONG})")
_BROKEN = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)*)-$")
_ITEM = re.compile(r"(?:[а-яёa-z]\)|\d{1,3}[.)]|•)\s")  # of a list
_SPEAKER = re.compile(r"[А-ЯЁ]{2,}(?: [А-ЯЁ]{2,})*(?: \([^()]*\))?[.:] ")  # of a play


@rule(
    "   Было раннее утро, и над рекою стоял туман. Мель-\n"
    "ник вышел на крыльцо, поглядел на небо, а там по-\n"
    "прежнему моросил мелкий холодный дождь, и собака\nспала.\n"
    "   -- Быть сегодня грозе, -- сказал он собаке и\nвздохнул.",
    "Было раннее утро, и над рекою стоял туман. Мельник вышел на крыльцо, поглядел на небо, "
    "а там по-прежнему моросил мелкий холодный дождь, и собака спала.\n"
    "-- Быть сегодня грозе, -- сказал он собаке и вздохнул.",
    needs="lines that break sentences at one width (45 to 200 columns), most of them full",
    keeps_letters=True,
)
def paragraphs(text: pl.Expr) -> pl.Expr:
    """Join lines of hard-wrapped prose to paragraphs; keep those of verse, plays and letters."""
    return map_texts(_may_be_wrapped, unwrap, text)


@rule(
    f"{'Он долго и подробно рассказывал о своей поездке. ' * 3}И тут\n\n"
    "дверь отворилась, и все гости разом замолчали и встали.",
    f"{'Он долго и подробно рассказывал о своей поездке. ' * 3}И тут "
    "дверь отворилась, и все гости разом замолчали и встали.",
    needs="a line longer than verse that ends within a sentence, and a next one that goes on",
    keeps_letters=True,
)
def broken_lines(text: pl.Expr) -> pl.Expr:
    """Join two lines too long for verse if the end of a page broke a sentence between them."""
    return map_texts(matches(rf"(?:{_ENDS})\n?{_LONG}"), _resumed, text)


def _resumed(text: str) -> str:
    """Join each line that is too long for verse and ends mid-sentence to the next one."""
    pieces, at = [], 0
    for line_break in _BREAK.finditer(text):
        end = line_break.start()
        start = text.rfind("\n", 0, end) + 1
        if text[end - 1] in _LOWER_CASE and (end - start >= WIDEST_VERSE or 0 < start <= at):
            pieces += [text[at:end], " "]
            at = line_break.end()
    return "".join([*pieces, text[at:]])


def _may_be_wrapped(text: pl.Expr) -> pl.Expr:
    """Whether lines are short on average, and some end mid-sentence."""
    lines = text.str.count_matches("\n", literal=True) + 1
    characters = text.str.len_bytes() / lines / 1.8  # approximate: a Russian letter has two bytes
    continued = text.str.count_matches(r"\n[ \t\u00a0]*[а-яё]")
    return (continued >= MIN_FULL) & characters.is_between(15, WIDEST + 20)


@dataclass(frozen=True)
class _Wrapping:
    width: int  # of a full line
    base: int  # the indent of the lines that continue a paragraph
    indented: bool  # whether paragraphs begin with a deeper indent


def unwrap(text: str) -> str:
    """The text with each paragraph on one line, if it is hard-wrapped; otherwise unchanged."""
    sample = text.split("\n", SAMPLE_LINES)[:SAMPLE_LINES]
    wrapping = _wrapping([line.rstrip() for line in sample])
    if wrapping is None:
        return text
    words: Counter[str] = Counter()
    paragraphs: list[list[str]] = []
    before = ""
    for line in map(str.rstrip, text.split("\n")):
        bare = line.lstrip()
        if before and bare and _continues(before, len(line) - len(bare), bare, wrapping):
            broken = (
                before[-1] == "-" and bare[0].islower() and _BROKEN.search(before[-LONGEST_WORD:])
            )
            if broken:
                words = words or Counter(WORD.findall(text.lower()))
                cut = paragraphs[-1][-1][: -len(broken[0])]
                paragraphs[-1][-1] = cut + join_broken_word(broken[1], bare, words)
            else:
                paragraphs[-1].append(bare)
        else:
            paragraphs.append([bare])
        before = line
    return "\n".join(" ".join(lines) for lines in paragraphs)


def _wrapping(lines: list[str]) -> _Wrapping | None:
    """How a document is wrapped; None if it is not hard-wrapped."""
    lines = [line for line in lines if not RULER.fullmatch(line)]
    long = sorted(len(line) for line in lines if len(line) >= NARROWEST)
    if len(long) < MIN_FULL or bisect_right(long, WIDEST) < 0.95 * len(long):
        return None
    width = long[int(0.97 * (len(long) - 1))]
    pairs = [(a, b) for a, b in pairwise(lines) if b and 10 * len(a) > 7 * width]
    continuing = [b for a, b in pairs if _goes_on(b.lstrip()) and _full(a, b.lstrip(), width)]
    if len(continuing) < max(MIN_FULL, MIN_SHARE * len(pairs)):
        return None
    base = Counter(map(_indent, continuing)).most_common(1)[0][0]
    deeper = sum(base < _indent(line) <= base + 10 for line in lines)
    return _Wrapping(width, base, deeper >= MIN_FULL)


def _full(line: str, following: str, width: int) -> bool:
    """Whether the first word of the next line, given without indent, would not have fitted."""
    if len(line) > width - SLACK:
        return True
    space = following.find(" ")
    return len(line) + 1 + (space if space > 0 else len(following)) > width - SLACK


def _continues(before: str, indent: int, line: str, wrapping: _Wrapping) -> bool:
    """Whether a line, given without its indent, continues the paragraph of the line before."""
    if line[0] in "-–—_=" and RULER.fullmatch(line):
        return False
    if before[-1] in ".,:;!?…" and _ITEM.match(line):
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


def _goes_on(line: str) -> bool:
    """Whether a line may be within a sentence: it begins with no capital and is no list's item."""
    return not line.lstrip(' \t\u00a0"«„(-–—')[:1].isupper() and not _ITEM.match(line)
