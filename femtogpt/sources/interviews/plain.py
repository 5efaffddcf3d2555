"""Turns from plain text: «Имя: реплика», and the lines that continue a turn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from femtogpt.sources.archives import Member
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
from femtogpt.sources.interviews.transcript import transcript
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
_NO_SPEECH = re.compile(  # rules, times on lines of their own, footers of services
    rf"[\W_]*|\s*{STAMP}\s*|Transcribed by \S+\s*"
    r"|Расшифровка завершена через\b.*|(?:Meeting|Transcription) ended after\b.*"
)
_STAMPED = re.compile(rf"^\s*{STAMP}\s+(?=\S)")
_SENTENCE_END = re.compile(r"[.!?…][»\")]*$")
NOT_IN_TURNS = "lines outside the turns (headings, lists of persons) left out"
MIN_WIDTH, MAX_WIDTH = 55, 100  # characters in the lines of a text that is wrapped
DASH = re.compile(r"^\s*[-–—―]\s*(?=\S)")


def read(file: Member, settings: Any) -> Iterator[Interview]:
    """Read the turns of a transcript; prose before the first turn is kept.

    Headings of acts and scenes, lists of persons, and the lines after them up to the next turn,
    are not speech, which the reader tells. Raises NoDialogue.
    """
    about, text = front_matter(transcript(file))
    lines = text.splitlines()
    if about == About():
        about, lines = header(lines)
    lines = with_stamps([MARKUP.sub("", line) for line in lines])
    turns = by_names(unstamped(dotted(lines)), file.mended)
    yield Interview(turns or dashed([line for line in lines if line.strip()]), about)


def by_names(lines: Sequence[str], mended: list[str]) -> list[Turn]:
    """Find the turns that begin with names, followed by a colon, a dash or nothing.

    ``mended`` gets an entry for each line of words that is left out.
    """
    forms: tuple[Callable[[Sequence[str]], Sequence[str]], ...] = (list, dash_named, with_colons)
    for form in forms:
        lines = form(lines)
        if names := speakers(lines):
            return named(lines, names, mended)
    return []


def named(lines: Sequence[str], names: frozenset[str], mended: list[str]) -> list[Turn]:
    """Find the turns: each begins with a line that begins with one of the names.

    ``mended`` gets an entry for each line of words that is left out.
    """
    wrapped = is_wrapped(lines, names)
    result: list[Turn] = []
    speaker: str | None = None
    paragraphs: list[str] = []
    is_speech, last = True, ""
    for line in lines:
        if opened := split(line, names):
            speech = spoken(paragraphs)
            if speaker is None:
                prose = tuple(filter(_is_prose, speech))
                mended.extend([NOT_IN_TURNS] * (len(speech) - len(prose)))
                speech = prose
            result.append(Turn(speaker, speech))
            speaker, paragraphs, is_speech = opened[0], [opened[1]], True
        elif _HEADING.fullmatch(line.strip()):
            is_speech = False
            mended.append(NOT_IN_TURNS)
        elif _NO_SPEECH.fullmatch(line):
            pass
        elif not is_speech:
            mended.append(NOT_IN_TURNS)
        else:
            if wrapped and last.strip() and len(last) >= MIN_WIDTH and paragraphs:
                paragraphs[-1] += f" {line.strip()}"
            else:
                paragraphs.append(line)
        last = line
    result.append(Turn(speaker, spoken(paragraphs)))
    return result


def dashed(paragraphs: Sequence[str]) -> list[Turn]:
    """Find the turns of a dialogue in which each begins with a dash.

    They alternate between question and answer if at least three quarters of the odd ones, and at
    most half of the even ones, contain a question mark. Raises NoDialogue if fewer than half of
    the paragraphs, or fewer than four, begin with a dash.
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
    lead = [] if marked[0] else [Turn(None, tuple(filter(_is_prose, spoken(turns.pop(0)))))]
    asks = [any("?" in text for text in turn) for turn in turns]
    if sum(asks[::2]) >= 0.75 * len(asks[::2]) and sum(asks[1::2]) <= 0.5 * len(asks[1::2]):
        names = ("Вопрос", "Ответ")
        return lead + [Turn(names[index % 2], spoken(turn)) for index, turn in enumerate(turns)]
    return lead + [Turn(None, spoken([f"— {turn[0]}", *turn[1:]])) for turn in turns]


def unstamped(lines: Sequence[str]) -> list[str]:
    """Remove the times before lines («0:07 Здравствуйте») if a third of them begin so."""
    stamped = sum(1 for line in lines if _STAMPED.match(line))
    filled = sum(1 for line in lines if line.strip())
    if 3 * stamped < filled:
        return list(lines)
    return [_STAMPED.sub("", line) for line in lines]


def is_wrapped(lines: Sequence[str], names: frozenset[str]) -> bool:
    """Whether lines were broken at a width.

    Then most of the lines that continue on the next one are long, none is longer than the width,
    and they do not end with a sentence.
    """
    going_on = [
        line.rstrip()
        for line, after in pairwise(lines)
        if line.strip() and after.strip() and not split(after, names)
    ]
    if len(going_on) < 2:
        return False
    lengths = [len(line) for line in going_on]
    within = sum(1 for line in going_on if not _SENTENCE_END.search(line))
    return (
        median(lengths) >= MIN_WIDTH and max(lengths) <= MAX_WIDTH and 2 * within >= len(going_on)
    )


def _is_prose(text: str) -> bool:
    """Whether a paragraph before the first turn is prose: no title, no list."""
    return len(text) >= 60 and _SENTENCE_END.search(text) is not None
