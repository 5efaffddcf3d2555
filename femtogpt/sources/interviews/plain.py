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
from femtogpt.sources.interviews.left_out import (
    FOOTERS,
    HEADINGS,
    NUMBERS,
    SCENES,
    STAMPS,
    TITLES,
    LeaveOut,
    leave_out_at_name,
    leave_out_rest,
)
from femtogpt.sources.interviews.lone_names import with_colons, with_stamps
from femtogpt.sources.interviews.remarks import STAMP, spoken
from femtogpt.sources.interviews.speaker_names import (
    MARKUP,
    dash_named,
    dotted,
    opening,
    speakers,
    split,
)
from femtogpt.sources.interviews.transcript import transcript
from femtogpt.sources.interviews.turns import Turn

_ORDINAL = r"""(?:\d+|[IVXLC]+|перв\w+|втор\w+|трет\w+|четв[её]рт\w+|пят\w+|шест\w+|седьм\w+
    |восьм\w+|девят\w+|десят\w+|\w+надцат\w+|двадцат\w+(?:\s\w+)?|последн\w+)"""
_SCENE = r"(?:действие|акт|явление|сцена|картина)"
_PART = r"(?:часть|глава)"
_STAGED = re.compile(  # only plays have these
    rf"""(?x)(?=[\W]*[А-ЯЁ\dIVXLC]) (?i:\W*
    (?:{_SCENE}\s+{_ORDINAL} | {_ORDINAL}\s+{_SCENE} | действующие\s+лица)[\s.:]*)"""
)
_IN_PLAYS = re.compile(r"(?i)\W*те\s+же(?:\s*[,.]|\s+(?:и|без|кроме)\b)?.{0,60}")
_HEADING = re.compile(
    rf"""(?x)(?=[\W]*[А-ЯЁ\dIVXLC]) (?i:\W*
    (?:{_PART}\s+{_ORDINAL} | {_ORDINAL}\s+{_PART} | пролог | эпилог | занавес
    | конец\s+(?:\w+\s+){{0,2}}(?:действия|акта|явления|картины|сцены|пьесы|комедии|драмы)
    )[\s.:]*) | \s*\#{{1,6}}\s.*"""
)
_NO_WORDS = re.compile(r"[\W_]*")
_STAMP_LINE = re.compile(rf"\s*{STAMP}\s*")
_FOOTER = re.compile(
    r"Transcribed by \S+\s*"
    r"|Расшифровка завершена через\b.*|(?:Meeting|Transcription) ended after\b.*"
)
_STAMPED = re.compile(rf"^\s*{STAMP}\s+(?=\S)")
_SENTENCE_END = re.compile(r"[.!?…][»\")]*$")
_PROSE_END = re.compile(r"[.!?…:;,][»\")]*$")
_NUMBER = re.compile(r"\s*(\d{1,5})[.)]?\s+(?=[^\W\d_])")  # of a turn
MIN_NUMBERED = 4  # turns
MIN_WIDTH, MAX_WIDTH = 55, 100  # characters in the lines of a text that is wrapped
MIN_PROSE = 60  # characters
DASH = re.compile(r"^\s*[-–—―]\s*(?=\S)")


def read(file: Member, settings: Any) -> Iterator[Interview]:
    """Read the turns of a transcript; prose before the first turn is kept.

    In plays, headings of acts and scenes, lists of persons, and the lines after them up to the next
    turn, are not speech; in other texts only headings are none. Raises NoDialogue.
    """
    leave_out = file.leave_out
    about, text = front_matter(transcript(file), leave_out)
    lines = text.splitlines()
    if about == About():
        about, lines = header(lines, leave_out)
    lines = with_stamps([MARKUP.sub("", line) for line in lines])
    plain_lines = unstamped(dotted(lines))
    turns = by_names(plain_lines, leave_out)
    if turns:
        leave_out_rest(leave_out, STAMPS, "".join(lines), "".join(plain_lines))
    yield Interview(turns or dashed([line for line in lines if line.strip()], leave_out), about)


def by_names(lines: Sequence[str], leave_out: LeaveOut) -> list[Turn]:
    """Find the turns that begin with names, followed by a colon, a dash or nothing."""
    bare = unnumbered(lines)
    if bare != list(lines) and (turns := by_names(bare, leave_out)):
        leave_out_rest(leave_out, NUMBERS, "".join(lines), "".join(bare))
        return turns
    forms: tuple[Callable[[Sequence[str]], Sequence[str]], ...] = (list, dash_named, with_colons)
    for form in forms:
        lines = form(lines)
        if names := speakers(lines):
            return named(lines, names, leave_out)
    return []


def unnumbered(lines: Sequence[str]) -> list[str]:
    """Remove the numbers of turns («12. Анна: …»): on half of the lines, and counting up by one."""
    matches = list(filter(None, map(_NUMBER.match, lines)))
    numbers = [int(match[1]) for match in matches]
    filled = sum(1 for line in lines if line.strip())
    if len(numbers) < MIN_NUMBERED or 2 * len(numbers) < filled:
        return list(lines)
    counts_up = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    if not counts_up or not all(opening(match.string[match.end() :]) for match in matches):
        return list(lines)
    return [_NUMBER.sub("", line) for line in lines]


def named(lines: Sequence[str], names: frozenset[str], leave_out: LeaveOut) -> list[Turn]:
    """Find the turns: each begins with a line that begins with one of the names."""
    wrapped = is_wrapped(lines, names)
    is_play = any(_STAGED.fullmatch(line.strip().lstrip("# ")) for line in lines)
    result: list[Turn] = []
    speaker: str | None = None
    paragraphs: list[str] = []
    is_speech, last = True, ""
    for line in lines:
        if opened := split(line, names):
            result.append(_turn(speaker, paragraphs, leave_out))
            speaker, paragraphs, is_speech = opened[0], [opened[1]], True
            leave_out_at_name(leave_out, line, *opened)
        elif _is_heading(line.strip(), is_play):
            leave_out(HEADINGS, line)
            is_speech = not is_play
        elif not _NO_WORDS.fullmatch(line) and (kind := _no_speech(line, is_speech)):
            leave_out(kind, line)
        elif is_speech and not _NO_WORDS.fullmatch(line):
            if wrapped and last.strip() and len(last) >= MIN_WIDTH and paragraphs:
                paragraphs[-1] += f" {line.strip()}"
            else:
                paragraphs.append(line)
        last = line
    result.append(_turn(speaker, paragraphs, leave_out))
    return result


def _is_heading(line: str, is_play: bool) -> bool:
    if is_play and (_STAGED.fullmatch(line) or _IN_PLAYS.fullmatch(line)):
        return True
    return _HEADING.fullmatch(line) is not None


def _no_speech(line: str, is_speech: bool) -> str | None:
    """Say what a line is that is not kept; None if it is speech."""
    if _STAMP_LINE.fullmatch(line):
        return STAMPS
    if _FOOTER.fullmatch(line):
        return FOOTERS
    return None if is_speech else SCENES


def _turn(speaker: str | None, paragraphs: Sequence[str], leave_out: LeaveOut) -> Turn:
    texts = spoken(paragraphs, leave_out)
    return Turn(speaker, prose(texts, leave_out) if speaker is None else texts)


def dashed(paragraphs: Sequence[str], leave_out: LeaveOut) -> list[Turn]:
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
    lead = [] if marked[0] else [_turn(None, turns.pop(0), leave_out)]
    asks = [any("?" in text for text in turn) for turn in turns]
    if sum(asks[::2]) >= 0.75 * len(asks[::2]) and sum(asks[1::2]) <= 0.5 * len(asks[1::2]):
        names = ("Вопрос", "Ответ")
        return lead + [
            Turn(names[index % 2], spoken(turn, leave_out)) for index, turn in enumerate(turns)
        ]
    return lead + [Turn(None, spoken([f"— {turn[0]}", *turn[1:]], leave_out)) for turn in turns]


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


def prose(texts: Sequence[str], leave_out: LeaveOut) -> tuple[str, ...]:
    """Keep what above the first turn is long or ends like a sentence: no titles and bylines."""
    kept = []
    for text in texts:
        if len(text) >= MIN_PROSE or _PROSE_END.search(text):
            kept.append(text)
        else:
            leave_out(TITLES, text)
    return tuple(kept)
