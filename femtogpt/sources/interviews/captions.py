"""Turns from captions (.srt, .vtt)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from femtogpt.sources.interviews.cues import Cue, cues
from femtogpt.sources.interviews.interview import Interview, NoDialogue
from femtogpt.sources.interviews.names import opening, speakers, split
from femtogpt.sources.interviews.remarks import cleaned
from femtogpt.sources.interviews.rolling import unrolled
from femtogpt.sources.interviews.speech import Piece, turns
from femtogpt.sources.interviews.spelling import key

_VOICE = re.compile(r"<v (.+)>")
_CHANGE = re.compile(r"\s*>{2,}\s*")  # >> another speaks
_DASH = re.compile(r"[-–—]\s*(?=[A-ZА-ЯЁ0-9«\"…])")
_ENDED = re.compile(r"[.!?…][»\")\]]*$")


def read(text: str) -> Interview:
    """The turns of captions; without names in them, paragraphs alone. Raises NoDialogue."""
    found = unrolled(cues(text))
    if not found:
        raise NoDialogue("no captions found: none of the lines is «00:00:01,000 --> 00:00:02,000»")
    return Interview(turns(_pieces(found, _known([line for cue in found for line in cue.lines]))))


def _known(lines: Sequence[str]) -> frozenset[str]:
    """The names that begin lines: by the evidence of them all, or after ``>>``."""
    marked = (opening(_CHANGE.sub("", line)) for line in lines if _CHANGE.match(line))
    return speakers(lines) | {key(found.name) for found in marked if found}


@dataclass(slots=True)
class _Part:
    """What one speaker says in a caption."""

    speaker: str | None
    lines: list[str]
    unnamed: bool = False  # another one begins to speak, it is not known who


def _pieces(found: Sequence[Cue], known: Collection[str]) -> Iterator[Piece]:
    speaker: str | None = None
    ended = True  # the sentence before
    for cue in found:
        parts = [_Part(speaker, [])]
        for line in cue.lines:
            part = _begun(line, known, ended, speaker)
            if part:
                parts.append(part)
                speaker = part.speaker
            else:
                parts[-1].lines.append(line)
            ended = _ENDED.search(line) is not None
        for part in parts:
            text = cleaned(" ".join(part.lines), machine=True)
            if text:
                text = f"— {text}" if part.unnamed else text
                yield Piece(text, cue.start, cue.end, part.speaker, part.unnamed)


def _begun(line: str, known: Collection[str], ended: bool, speaker: str | None) -> _Part | None:
    """The turn that begins with this line, if any."""
    if voice := _VOICE.fullmatch(line):
        return _Part(voice[1], [])
    change = _CHANGE.match(line)
    rest = line[change.end() :] if change else line
    if named := split(rest, known):
        return _Part(named[0], [named[1]])
    if change:
        return _Part(None, [rest], unnamed=True)
    if ended and (dash := _DASH.match(line)):
        return _Part(speaker, [line[dash.end() :]], unnamed=True)
    return None
