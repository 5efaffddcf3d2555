"""Parses the captions of an .srt or .vtt file into their times and lines.

We parse them ourselves because libraries fail on damaged files: they lose the text below a damaged
timing line or take the line for speech, and mistake a caption «2024» for a counter or a NOTE block
for speech (CONTRIBUTING has the comparison).
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from femtogpt.sources.interviews.left_out import (
    CAPTION_NOTES,
    DRAWINGS,
    REMARKS,
    LeaveOut,
    leave_out_rest,
)

_TIME = r"(?:(\d{1,3})\s*:\s*)?(\d{1,2})\s*:\s*(\d{1,2})\s*(?:[.,:]\s*(\d{1,3}))?"
_TIMES = re.compile(rf"^\s*{_TIME}\s*-{{1,2}}\s*>\s*{_TIME}(?:\s.*)?$")
_ARROW = re.compile(r"^.{0,30}\d\s*-{1,2}\s*>.{0,60}$")  # a timing line, damaged or not
_WORDS_BEFORE = re.compile(r"[^>]*[а-яё]{2}.*>", re.IGNORECASE)  # «Шаг 5 -> 6»
_BLOCK = re.compile(r"^(?:NOTE|STYLE|REGION)(?:\s|$)")
_HEADER = re.compile(r"\ufeff?WEBVTT|(?:Kind|Language)\s*:.*", re.IGNORECASE)
_NAME = re.compile(r"\d+|[\x21-\x7e]+")  # of a caption: no words of speech
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:[a-zA-Z][^<>]*|\d[\d:.,]*)>|\{\\[^{}]*\}|\{[a-zA-Z]:[^{}]*\}")
_MARKUP = re.compile(  # tags that are no remarks such as <laughs>
    r"(?:</?(?:[biucspvq]|ruby|rt|lang|font|span|br|strong|em|div|small|big)(?![a-z])|</?\d|\{)",
    re.IGNORECASE,
)
_DRAWN = re.compile(  # from {\p1} to {\p0} (ASS); in SRT the tags may be lost
    r"(\{[^{}]*\\p[1-9][^{}]*\})(?:(?!\{[^{}]*\\p0)[^\n])*"
)
_NUMBERS = r"(?:\s+-?\d+(?:\.\d+)?)"
_DRAWING = re.compile(rf"m{_NUMBERS}{{2}}(?:\s+[mnlbspc]{_NUMBERS}*)*")


@dataclass(frozen=True, slots=True)
class Cue:
    """The lines shown together on the screen, and when."""

    start: float | None  # seconds; None if the timing line is damaged
    end: float | None
    lines: tuple[str, ...]  # without markup, none empty; a voice is its own line: «<v Имя>»
    raw: str = ""  # with markup


def cues(text: str, leave_out: LeaveOut) -> list[Cue]:
    """Parse the captions in order; the text after a damaged timing line is kept."""
    lines = text.splitlines()
    timing_lines = [index for index, line in enumerate(lines) if _is_timing(line)]
    result = []
    above = lines[: timing_lines[0]] if timing_lines else []
    above = [_HEADER.sub("", line) for line in above if not line.strip().isdecimal()]
    leave_out_rest(leave_out, CAPTION_NOTES, "".join(above), "")
    is_vtt = lines[0].lstrip("\ufeff").startswith("WEBVTT") if lines else False
    for number, (index, next_index) in enumerate(pairwise([*timing_lines, len(lines)])):
        body = lines[index + 1 : next_index]
        if next_index < len(lines):
            shorter = _without_identifier(body, number, is_vtt)
            if len(shorter) < len(body) and not body[-1].strip().isdecimal():
                leave_out_rest(leave_out, CAPTION_NOTES, body[-1], "")
            body = shorter
        speech = _without_blocks(body)
        leave_out_rest(leave_out, CAPTION_NOTES, "".join(body), "".join(speech))
        result.append(_cue(lines[index], speech, leave_out))
    return result


def _is_timing(line: str) -> bool:
    """Whether it is a timing line, damaged or not, and no speech with an arrow."""
    return _ARROW.match(line) is not None and not _WORDS_BEFORE.match(line)


def _without_identifier(body: list[str], number: int, is_vtt: bool) -> list[str]:
    """Drop the number or name of the next caption from the end of this caption's lines.

    In VTT, whatever stands below an empty line is a name; in SRT, a number or a word in Latin.
    """
    if not body or not body[-1].strip():
        return body
    after_blank = len(body) > 1 and not body[-2].strip()
    last = body[-1].strip()
    if (after_blank and (is_vtt or _NAME.fullmatch(last))) or last == str(number + 2):
        return body[:-1]
    return body


def _without_blocks(body: Sequence[str]) -> list[str]:
    """Drop NOTE, STYLE and REGION blocks, which extend to the next empty line."""
    result, in_block, is_blank = [], False, False
    for line in body:
        if is_blank and _BLOCK.match(line):
            in_block = True
        is_blank = not line.strip()
        if is_blank:
            in_block = False
        elif not in_block:
            result.append(line)
    return result


def _cue(timing_line: str, body: Sequence[str], leave_out: LeaveOut) -> Cue:
    raw = "\n".join(body)
    for tag in _TAG.finditer(raw):
        if not _MARKUP.match(tag[0]):
            leave_out(REMARKS, tag[0])
    for drawn in _DRAWN.finditer(raw):
        leave_out_rest(leave_out, DRAWINGS, drawn[0], drawn[1])
    lines: list[str] = []
    for number, part in enumerate(_VOICE.split(raw)):
        if number % 2:  # the voice's name, captured by the split
            lines.append(f"<v {html.unescape(part).strip()}>")
        else:
            lines += _without_markup(part).splitlines()
    shown = [line for line in lines if not _DRAWING.fullmatch(line.strip())]
    leave_out_rest(leave_out, DRAWINGS, "".join(lines), "".join(shown))
    spaced = (" ".join(line.split()) for line in shown)
    start, end = _times(timing_line)
    return Cue(start, end, tuple(filter(None, spaced)), raw)


def _without_markup(text: str) -> str:
    text = html.unescape(_TAG.sub("", _DRAWN.sub("", text)))
    return _TAG.sub("", text).replace("\\N", "\n").replace("\\h", " ")


def _times(line: str) -> tuple[float | None, float | None]:
    """Parse start and end in seconds; None where the line is damaged."""
    match = _TIMES.match(line)
    if not match:
        return None, None
    groups = match.groups()
    return _seconds(*groups[:4]), _seconds(*groups[4:])


def _seconds(hours: str | None, minutes: str, seconds: str, milliseconds: str | None) -> float:
    fraction = int((milliseconds or "0").ljust(3, "0")) / 1000
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + fraction
