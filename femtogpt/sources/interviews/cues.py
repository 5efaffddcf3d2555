"""Captions as they stand in an .srt or .vtt file: when, and which lines.

Read here and not by a library: those that are well kept either stop at the first damaged line
or lose its text, and take a caption «2024» for a number or a note for speech.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_TIME = r"(?:(\d{1,3})\s*:\s*)?(\d{1,2})\s*:\s*(\d{1,2})\s*(?:[.,:]\s*(\d{1,3}))?"
_TIMES = re.compile(rf"^\s*{_TIME}\s*-{{1,2}}\s*>\s*{_TIME}(?:\s.*)?$")
_ARROW = re.compile(r"^.{0,30}\d\s*-{1,2}\s*>.{0,60}$")  # a line of times, damaged or not
_BLOCK = re.compile(r"^(?:NOTE|STYLE|REGION)(?:\s|$)")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:[a-zA-Z][^<>]*|\d[\d:.,]*)>|\{\\[^{}]*\}|\{[a-zA-Z]:[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Cue:
    """Lines that are on the screen for a time."""

    start: float | None  # seconds; None where the file's line of times is damaged
    end: float | None
    lines: tuple[str, ...]  # without markup, none empty; a voice is a line of its own: «<v Имя>»
    raw: str = ""  # with markup


def cues(text: str) -> list[Cue]:
    """The captions in their order; the text after a damaged line of times is kept."""
    lines = text.splitlines()
    times = [place for place, line in enumerate(lines) if _ARROW.match(line)]
    found = []
    for number, (place, following) in enumerate(pairwise([*times, len(lines)])):
        body = lines[place + 1 : following]
        if following < len(lines):
            body = _without_identifier(body, number)
        found.append(_cue(lines[place], _without_blocks(body)))
    return found


def _without_identifier(body: Sequence[str], number: int) -> Sequence[str]:
    """The lines of a caption without the number or name of the next one."""
    if not body or not body[-1].strip():
        return body
    apart = len(body) > 1 and not body[-2].strip()
    last = body[-1].strip()
    if apart or last == str(number + 2):
        return body[:-1]
    return body


def _without_blocks(body: Sequence[str]) -> list[str]:
    """The lines without NOTE, STYLE and REGION blocks, which go on to the next empty line."""
    result, block, empty = [], False, False
    for line in body:
        if empty and _BLOCK.match(line):
            block = True
        empty = not line.strip()
        if empty:
            block = False
        elif not block:
            result.append(line)
    return result


def _cue(times: str, body: Sequence[str]) -> Cue:
    raw = "\n".join(body)
    lines: list[str] = []
    for place, part in enumerate(_VOICE.split(raw)):
        if place % 2:
            lines.append(f"<v {html.unescape(part).strip()}>")
        else:
            lines += _plain(part).splitlines()
    spaced = (" ".join(line.split()) for line in lines)
    start, end = _seconds(times)
    return Cue(start, end, tuple(filter(None, spaced)), raw)


def _plain(text: str) -> str:
    text = html.unescape(_TAG.sub("", text))
    return _TAG.sub("", text).replace("\\N", "\n").replace("\\h", " ")


def _seconds(line: str) -> tuple[float | None, float | None]:
    found = _TIMES.match(line)
    if not found:
        return None, None

    def seconds(hours: str | None, minutes: str, seconds: str, rest: str | None) -> float:
        fraction = int((rest or "0").ljust(3, "0")) / 1000
        return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + fraction

    groups = found.groups()
    return seconds(*groups[:4]), seconds(*groups[4:])
