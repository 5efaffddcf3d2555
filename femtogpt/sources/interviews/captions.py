"""Turns from captions (.srt, .vtt)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from femtogpt.sources.interviews.cues import Cue, cues
from femtogpt.sources.interviews.interview import Interview, NoDialogue
from femtogpt.sources.interviews.name_words import NO_NAME
from femtogpt.sources.interviews.remarks import CREDITS, cleaned, is_remark
from femtogpt.sources.interviews.rolling_captions import unrolled
from femtogpt.sources.interviews.speaker_names import opening, speakers, split
from femtogpt.sources.interviews.speech import Piece, turns
from femtogpt.sources.interviews.spelling import key

_VOICE = re.compile(r"<v (.+)>")
_CHANGE = re.compile(r"\s*>{2,}\s*")  # >> another speaks
_AMID = re.compile(r"\s+(?=>{2,}\s)")  # where YouTube has it within a line
_LINE_DASH = re.compile(r"^[-–—]\s*(?=\S)")
_DASH = re.compile(r"[-–—]\s*(?=[A-ZА-ЯЁ0-9«\"…(\[])")
_COLON = re.compile(r"([^:<>]{1,60}?)\s*:\s+(\S.*)")
_NAME = r"[А-ЯЁA-Z][\w-]+"
_BRACKET = re.compile(rf"\[({_NAME}(?: {_NAME})?)(?:, [^\[\]]*)?\]\s*(\S.*)")
FORM = 0.9  # share of the captions in one form, from which it is not by chance
_ENDED = re.compile(r"[.!?…][»\")\]]*$")


def read(text: str) -> Interview:
    """The turns of captions; without names in them, paragraphs alone. Raises NoDialogue."""
    found = unrolled(cues(text))
    if not found:
        raise NoDialogue("no captions found: none of the lines is «00:00:01,000 --> 00:00:02,000»")
    found = _with_voices([replace(cue, lines=_said(cue.lines)) for cue in found])
    return Interview(turns(_pieces(found, _known([line for cue in found for line in cue.lines]))))


def _said(lines: Sequence[str]) -> tuple[str, ...]:
    """The lines without credits, divided where another begins to speak.

    Several dashes in a caption are sure marks of that, whatever follows them.
    """
    if CREDITS.fullmatch(" ".join(lines)):
        return ()
    if sum(1 for line in lines if _LINE_DASH.match(line)) > 1:
        lines = [_LINE_DASH.sub(">> ", line) for line in lines]
    said = (line for line in lines if not CREDITS.fullmatch(line))
    return tuple(part for line in said for part in _AMID.split(line))


def _with_voices(found: Sequence[Cue]) -> list[Cue]:
    """The captions with voices for the names in two forms that nothing else has.

    Every caption begins with «Имя: » (Zoom: the names can be any), or several do with «[Имя] ».
    """
    filled = [cue for cue in found if cue.lines]
    begun = sum(1 for cue in filled if _COLON.fullmatch(cue.lines[0]))
    by_colon = len(filled) > 2 and begun >= FORM * len(filled)
    brackets = (_BRACKET.fullmatch(line) for cue in filled for line in cue.lines)
    counts = Counter(line[1] for line in brackets if line and not is_remark(line[1], apart=True))
    names = {name for name, count in counts.items() if count > 1}
    by_bracket = names if len(names) > 1 else set()
    result = []
    for cue in found:
        lines: list[str] = []
        for place, line in enumerate(cue.lines):
            named = (by_colon and place == 0 and _COLON.fullmatch(line)) or _BRACKET.fullmatch(line)
            if named and (by_colon or named[1] in by_bracket):
                lines += [f"<v {named[1]}>", named[2]]
            else:
                lines.append(line)
        result.append(replace(cue, lines=tuple(lines)))
    return result


def _known(lines: Sequence[str]) -> frozenset[str]:
    """The names that begin lines: by the evidence of them all, after ``>>``, or in capitals."""
    marked = (opening(_CHANGE.sub("", line)) for line in lines if _CHANGE.match(line))
    known = speakers(lines) | {key(found.name) for found in marked if found}
    openings = [opening(_DASH.sub("", line)) for line in lines if not line.isupper()]
    loud = [found.name for found in openings if found and found.name.isupper()]
    loud = [name for name in loud if len(name) > 2 and key(name) not in NO_NAME]
    return known | (frozenset(map(key, loud)) if len(loud) > 2 else frozenset())


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
