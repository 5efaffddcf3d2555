"""Rules on lines: their edges, what separates parts, page numbers, blank lines."""

from __future__ import annotations

import re

import polars as pl

from femtogpt.corpus.rules.registry import has, mapped, matches, replaced, rule, where
from femtogpt.corpus.rules.signs import breaks_sentence

_GAP = r"[ \t\u00a0]*"
_DASH = r"[-\u2010-\u2015\u2212]"
_NUMBER = re.compile(r"\s*(\d{1,3})\s*")
FIRST_PAGE = 20  # a smaller number alone on a line may be a chapter's though those before it lack
PROSE = 40  # characters of the lines between which a number is a page's


@rule(
    "Он ушёл.\n*\nНастала зима.\n-----\n* * *Весной он вернулся.",
    "Он ушёл.\n\n* * *\n\nНастала зима.\n\n* * *\n\nВесной он вернулся.",
)
def separators(text: pl.Expr) -> pl.Expr:
    """A line of stars or dashes between parts becomes * * * between blank lines."""

    def uniform(text: pl.Expr) -> pl.Expr:
        text = pl.lit("\n") + text + pl.lit("\n")  # a line's end is the faster to look for
        starred = rf"\n{_GAP}\* ([^*\n]{{2,80}}) \*{_GAP}(?m:$)"  # * TITLE *
        text = text.str.replace_all(starred, "\n$1")
        line = rf"\n{_GAP}(?:[*•⁂](?:{_GAP}[*•⁂])*|{_DASH}+|[_=~]{{3,}}){_GAP}(?m:$)"
        text = text.str.replace_all(line, "\n* * *")
        glued = rf"\n{_GAP}\*[ \u00a0]\*[ \u00a0]\*{_GAP}([\p{{L}}«\"„…—])"
        text = text.str.replace_all(glued, "\n* * *\n$1")
        text = text.str.replace_all(r"\s*\n(?:\* \* \*[ \t]*\n\s*)+", "\n\n* * *\n\n")
        edge = "\n\n* * *\n\n"  # at a text's beginning and end they separate nothing
        text = text.str.strip_prefix(edge).str.strip_suffix(edge)
        return text.str.strip_prefix("\n").str.strip_suffix("\n")

    return where(_may_separate, uniform, text)


def _may_separate(text: pl.Expr) -> pl.Expr:
    """Several tests, each of the kind that is fast."""
    marks = has("*", "•", "⁂", "---", "___", "===", "~~~", "–––", "———")(text)
    alone = rf"{_GAP}{_DASH}+{_GAP}(?:\n|$)"
    return marks | text.str.contains(rf"\n{alone}") | text.str.contains(rf"^{alone}")


@rule(
    "Хозяйка его, вдова, у которой он нанимал\n337\nкомнату, уехала куда-то в глушь.",
    "Хозяйка его, вдова, у которой он нанимал комнату, уехала куда-то в глушь.",
)
def page_numbers(text: pl.Expr) -> pl.Expr:
    """A page's number alone on a line amid prose goes; a sentence that it broke is joined."""
    return mapped(matches(r"\n[ \t\u00a0]*[0-9]{2,3}[ \t\u00a0]*\n"), _unpaged, text)


def _unpaged(text: str) -> str:
    lines = text.split("\n")
    kept: list[str] = []
    sections: set[int] = set()  # numbers of chapters and the like: they count up from 1
    paged = False  # whether a page's number stood above
    for before, line, after in zip(["", *lines], lines, [*lines[1:], ""], strict=False):
        number = _NUMBER.fullmatch(line)
        value = int(number[1]) if number else 0
        if number and (value == 1 or value - 1 in sections):
            sections.add(value)
        least = PROSE if value < 100 else PROSE // 4
        amid = min(len(before.strip()), len(after.strip())) >= least
        if value >= FIRST_PAGE and value not in sections and amid:
            paged = True
        elif paged and breaks_sentence(kept[-1], line):
            kept[-1] = f"{kept[-1].rstrip()} {line.lstrip()}"
            paged = False
        else:
            kept.append(line)
            paged = False
    return "\n".join(kept)


@rule("  отступ \nстрока  \n", "отступ\nстрока\n")
def line_edges(text: pl.Expr) -> pl.Expr:
    """Spaces at the start and the end of lines go."""
    text = text.str.replace_all(r"\n[ \t]+", "\n").str.replace_all(r" \n", "\n")
    text = where(has(" \n", "\t\n"), replaced(r"[ \t]+\n", "\n"), text)
    return text.str.strip_chars(" \t")


@rule("\n\nраз\n\n\n\nдва\n", "раз\n\nдва")
def blank_lines(text: pl.Expr) -> pl.Expr:
    """At most one blank line in a row, none at the start and the end."""
    return text.str.replace_all(r"\n{3,}", "\n\n").str.strip_chars("\n")
