"""Turns from plain text: «Имя: реплика», with the lines that continue a turn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from femtogpt.sources.interviews.interview import (
    About,
    Interview,
    NoDialogue,
    front_matter,
    header,
)
from femtogpt.sources.interviews.lone_names import with_colons, with_stamps
from femtogpt.sources.interviews.remarks import STAMP, spoken
from femtogpt.sources.interviews.speaker_names import MARKUP, dash_named, dotted, speakers, split
from femtogpt.sources.interviews.turns import Turn

_ORDINAL = r"""(?:\d+|[IVXLC]+|перв\w+|втор\w+|трет\w+|четв[её]рт\w+|пят\w+|шест\w+|седьм\w+
    |восьм\w+|девят\w+|десят\w+|\w+надцат\w+|двадцат\w+(?:\s\w+)?|последн\w+)"""
_PART = r"(?:действие|акт|явление|сцена|картина|часть|глава)"
_HEADING = re.compile(
    rf"""(?x)(?=[\W]*[А-ЯЁ\dIVXLC]) (?i:\W*
    (?:{_PART}\s+{_ORDINAL} | {_ORDINAL}\s+{_PART} | пролог | эпилог | занавес
    | конец\s+(?:\w+\s+){{0,2}}(?:действия|акта|явления|картины|сцены|пьесы|комедии|драмы)
    | действующие\s+лица | те\s+же\b.{{0,60}})[\s.:]*) | \s*\#{{1,6}}\s.*"""
)
_NOTHING = re.compile(  # rules, times on lines of their own, what services write below
    rf"[\W_]*|\s*{STAMP}\s*|Transcribed by \S+\s*"
    r"|Расшифровка завершена через\b.*|(?:Meeting|Transcription) ended after\b.*"
)
_STAMPED = re.compile(rf"^\s*{STAMP}\s+(?=\S)")
_SENTENCE_END = re.compile(r"[.!?…][»\")]*$")
NARROW, WIDE = 55, 100  # of the lines' lengths, between which a text is taken to be wrapped
DASH = re.compile(r"^\s*[-–—―]\s*(?=\S)")


def read(text: str) -> Interview:
    """The turns of a transcript; what stands before the first is kept where it is prose.

    Headings of acts and scenes, lists of persons and what follows them up to the next turn are
    no speech. Raises NoDialogue.
    """
    about, text = front_matter(text)
    lines = text.splitlines()
    if about == About():
        about, lines = header(lines)
    lines = with_stamps([MARKUP.sub("", line) for line in lines])
    turns = by_names(unstamped(dotted(lines)))
    if not turns:
        return Interview(dashed([line for line in lines if line.strip()]), about)
    return Interview(turns, about)


def by_names(lines: Sequence[str]) -> list[Turn]:
    """The turns where names begin them, with a colon, a dash or nothing after; else none."""
    for form in (list, dash_named, with_colons):
        lines = form(lines)
        if known := speakers(lines):
            return named(lines, known)
    return []


def named(lines: Sequence[str], known: frozenset[str]) -> list[Turn]:
    """The turns of lines of which some begin with one of the known names."""
    wrapped = is_wrapped(lines, known)
    result: list[Turn] = []
    speaker, paragraphs, speech, last = None, [], True, ""
    for line in lines:
        found = split(line, known)
        if found:
            result.append(
                Turn(speaker, _prose(paragraphs) if speaker is None else spoken(paragraphs))
            )
            speaker, paragraphs, speech = found[0], [found[1]], True
        elif _HEADING.fullmatch(line.strip()):
            speech = False
        elif speech and not _NOTHING.fullmatch(line):
            if wrapped and last.strip() and len(last) >= NARROW and paragraphs:
                paragraphs[-1] += f" {line.strip()}"
            else:
                paragraphs.append(line)
        last = line
    result.append(Turn(speaker, spoken(paragraphs)))
    return result


def dashed(paragraphs: Sequence[str]) -> list[Turn]:
    """A dialogue in which each turn begins with a dash: question and answer, where it is one.

    It is one where at least three of four questions, and not as many answers, ask something.
    Raises NoDialogue where fewer than half of the paragraphs, or fewer than four, begin so.
    """
    marked = [DASH.match(text) is not None for text in paragraphs]
    if sum(marked) < max(4, len(paragraphs) / 2):
        raise NoDialogue("no turns «Имя: реплика» found, and no dialogue in dashes")
    turns: list[list[str]] = []
    for text, begins in zip(paragraphs, marked, strict=True):
        if begins or not turns:
            turns.append([DASH.sub("", text) if begins else text])
        else:
            turns[-1].append(text)
    lead = [] if marked[0] else [Turn(None, _prose(turns.pop(0)))]
    asks = [any("?" in text for text in turn) for turn in turns]
    if sum(asks[::2]) >= 0.75 * len(asks[::2]) and sum(asks[1::2]) <= 0.5 * len(asks[1::2]):
        names = ("Вопрос", "Ответ")
        return lead + [Turn(names[place % 2], spoken(turn)) for place, turn in enumerate(turns)]
    return lead + [Turn(None, spoken([f"— {turn[0]}", *turn[1:]])) for turn in turns]


def unstamped(lines: Sequence[str]) -> list[str]:
    """The lines without the times before them («0:07 Здравствуйте»), where many begin so."""
    stamped = sum(1 for line in lines if _STAMPED.match(line))
    filled = sum(1 for line in lines if line.strip())
    if 3 * stamped < filled:
        return list(lines)
    return [_STAMPED.sub("", line) for line in lines]


def is_wrapped(lines: Sequence[str], known: frozenset[str]) -> bool:
    """Whether lines were broken at a width.

    Of those that go on in the next line most are long, none is longer, and they end anywhere.
    """
    going_on = [
        line.rstrip()
        for line, after in pairwise(lines)
        if line.strip() and after.strip() and not split(after, known)
    ]
    if len(going_on) < 2:
        return False
    lengths = [len(line) for line in going_on]
    within = sum(1 for line in going_on if not _SENTENCE_END.search(line))
    return median(lengths) >= NARROW and max(lengths) <= WIDE and 2 * within >= len(going_on)


def _prose(lines: Sequence[str]) -> tuple[str, ...]:
    """Of what stands before the first turn, the paragraphs that are prose: no titles, no lists."""
    return tuple(text for text in spoken(lines) if len(text) >= 60 and _SENTENCE_END.search(text))
