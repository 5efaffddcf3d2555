"""Rules for lines: their edges, separators between parts, page numbers, blank lines."""

from __future__ import annotations

import re

import polars as pl

from femtogpt.corpus.rules.editorial_patterns import breaks_sentence
from femtogpt.corpus.rules.rule_registry import has, map_texts, matches, replacement, rule, where

_GAP = r"[ \t\u00a0]*"
_DASH = r"[-\u2010-\u2015\u2212]"
_NUMBER = re.compile(r"\s*(\d{1,3})\s*")
FIRST_PAGE = 20  # a smaller number alone on a line may be that of a chapter in a partial text
PROSE_LINE = 40  # characters of the lines around a page number, at least


@rule(
    "Он ушёл.\n*\nНастала зима.\n-----\n* * *Весной он вернулся.",
    "Он ушёл.\n\n* * *\n\nНастала зима.\n\n* * *\n\nВесной он вернулся.",
    needs="a line of nothing but stars, bullets or dashes",
    keeps_letters=True,
)
def separators(text: pl.Expr) -> pl.Expr:
    """Convert a line of stars or dashes between parts to * * * between blank lines."""

    def uniform(text: pl.Expr) -> pl.Expr:
        text = pl.lit("\n") + text + pl.lit("\n")  # searching for a line end is faster than for ^
        starred = rf"\n{_GAP}\* ([^*\n]{{2,80}}) \*{_GAP}(?m:$)"  # * TITLE *
        text = text.str.replace_all(starred, "\n$1")
        line = rf"\n{_GAP}(?:[*•⁂](?:{_GAP}[*•⁂])*|{_DASH}+|[_=~]{{3,}}){_GAP}(?m:$)"
        text = text.str.replace_all(line, "\n* * *")
        glued = rf"\n{_GAP}\*[ \u00a0]\*[ \u00a0]\*{_GAP}([\p{{L}}«\"„…—])"
        text = text.str.replace_all(glued, "\n* * *\n$1")
        text = text.str.replace_all(r"\s*\n(?:\* \* \*[ \t]*\n\s*)+", "\n\n* * *\n\n")
        edge = "\n\n* * *\n\n"  # at the beginning and end of a text, it separates nothing
        text = text.str.strip_prefix(edge).str.strip_suffix(edge)
        return text.str.strip_prefix("\n").str.strip_suffix("\n")

    return where(_may_separate, uniform, text)


def _may_separate(text: pl.Expr) -> pl.Expr:
    """Whether a text may have separators: several tests, each of a fast kind."""
    marks = has("*", "•", "⁂", "---", "___", "===", "~~~", "–––", "———")(text)
    alone = rf"{_GAP}{_DASH}+{_GAP}(?:\n|$)"
    return marks | text.str.contains(rf"\n{alone}") | text.str.contains(rf"^{alone}")


@rule(
    "Хозяйка его, вдова, у которой он нанимал\n337\nкомнату, уехала куда-то в глушь.",
    "Хозяйка его, вдова, у которой он нанимал комнату, уехала куда-то в глушь.",
    needs="a number from 20 on, alone between lines of prose, that counts no chapters",
    of_editions=True,
)
def page_numbers(text: pl.Expr) -> pl.Expr:
    """Remove a page number on a line of its own within prose, and join a sentence that it broke."""
    return map_texts(matches(r"\n[ \t\u00a0]*[0-9]{2,3}[ \t\u00a0]*\n"), _unpaged, text)


def _unpaged(text: str) -> str:
    lines = text.split("\n")
    kept: list[str] = []
    sections: set[int] = set()  # numbers of chapters and the like: they count up from 1
    paged = False  # whether the line above was a page number
    for before, line, after in zip(["", *lines], lines, [*lines[1:], ""], strict=False):
        number = _NUMBER.fullmatch(line)
        value = int(number[1]) if number else 0
        if number and (value == 1 or value - 1 in sections):
            sections.add(value)
        prose = PROSE_LINE if value < 100 else PROSE_LINE // 4
        within = min(len(before.strip()), len(after.strip())) >= prose
        if value >= FIRST_PAGE and value not in sections and within:
            paged = True
        elif paged and breaks_sentence(kept[-1], line):
            kept[-1] = f"{kept[-1].rstrip()} {line.lstrip()}"
            paged = False
        else:
            kept.append(line)
            paged = False
    return "\n".join(kept)


@rule(
    "  отступ \nстрока  \n",
    "отступ\nстрока\n",
    needs="a space or tab at a line's edge",
    keeps_letters=True,
)
def line_edges(text: pl.Expr) -> pl.Expr:
    """Remove spaces at the start and the end of lines."""
    text = text.str.replace_all(r"\n[ \t]+", "\n").str.replace_all(r" \n", "\n")
    text = where(has(" \n", "\t\n"), replacement(r"[ \t]+\n", "\n"), text)
    return text.str.strip_chars(" \t")


@rule(
    "\n\nраз\n\n\n\nдва\n",
    "раз\n\nдва",
    needs="two or more blank lines in a row, or one at an end of the text",
    keeps_letters=True,
)
def blank_lines(text: pl.Expr) -> pl.Expr:
    """Keep at most one blank line in a row, and none at the start and the end."""
    return text.str.replace_all(r"\n{3,}", "\n\n").str.strip_chars("\n")
