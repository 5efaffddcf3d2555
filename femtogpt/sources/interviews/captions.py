"""Turns from captions (.srt, .vtt)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from femtogpt.sources.archives import Member
from femtogpt.sources.interviews.cues import Cue, cues
from femtogpt.sources.interviews.interview import Interview, NoDialogue
from femtogpt.sources.interviews.left_out import CREDITS as OF_CREDITS
from femtogpt.sources.interviews.left_out import (
    REPEATED,
    LeaveOut,
    leave_out_at_name,
    leave_out_rest,
)
from femtogpt.sources.interviews.name_words import NO_NAME
from femtogpt.sources.interviews.remarks import CREDITS, cleaned, is_remark
from femtogpt.sources.interviews.rolling_captions import unrolled
from femtogpt.sources.interviews.speaker_names import opening, speakers, split
from femtogpt.sources.interviews.speech import Piece, turns
from femtogpt.sources.interviews.spelling import key
from femtogpt.sources.interviews.transcript import transcript
from femtogpt.sources.interviews.turns import DIARIZED, Turn, labelled

_VOICE = re.compile(r"<v (.+)>")
_CHANGE = re.compile(r"\s*>{2,}\s*")  # >> the speaker changes
_AMID = re.compile(  # within a line: as YouTube writes it, or a label
    rf"\s+(?=>{{2,}}\s|\[(?:{DIARIZED})\]\s*:)", re.IGNORECASE
)
_LINE_DASH = re.compile(r"^[-–—]\s*(?=\S)")
_DASH = re.compile(r"[-–—]\s*(?=[A-ZА-ЯЁ0-9«\"…(\[])")
_COLON = re.compile(r"([^:<>]{1,60}?)\s*:\s+(\S.*)")
_NAME = r"[А-ЯЁA-Z][\w-]+"
_BRACKET = re.compile(rf"\[({_NAME}(?: {_NAME})?)(?:, [^\[\]]*)?\]\s*:?\s*(\S.*)")
_BRACKETED = re.compile(r"^[\[(]\s*([^\[\]()]+?)\s*[\])]$")
MIN_FORM_SHARE = 0.9  # of the captions, from which a form is no coincidence
_CREDIT_NAME = re.compile(  # in the line below a credit
    r"(?:(?:редактор|корректор|переводчик)\w*:?\s+)?(?:[А-ЯЁA-Z][\w.-]*\s*){1,4}"
)
_ADVERT = re.compile(r"\b(?:amara|opensubtitles)\.org\b", re.IGNORECASE)  # fills a caption
_ENDED = re.compile(r"[.!?…][»\")\]]*$")


def read(file: Member, settings: Any) -> Iterator[Interview]:
    """Read captions."""
    yield parsed(transcript(file), file.leave_out)


def parsed(text: str, leave_out: LeaveOut) -> Interview:
    """Find the turns of captions, or only paragraphs if they name nobody. Raises NoDialogue."""
    captions = cues(text, leave_out)
    if not captions:
        raise NoDialogue("no captions found: there is no line «00:00:01,000 --> 00:00:02,000»")
    return Interview(dialogue(captions, leave_out))


def dialogue(captions: Sequence[Cue], leave_out: LeaveOut) -> list[Turn]:
    """Find the turns of captions; names are in their lines, or voices («<v Имя>»)."""
    new = unrolled(captions)
    leave_out_rest(leave_out, REPEATED, _letters(captions), _letters(new))
    captions = [replace(cue, lines=_speech(cue.lines, leave_out)) for cue in new]
    captions = _with_voices(captions)
    names = _speaker_names([line for cue in captions for line in cue.lines])
    return turns(_pieces(captions, names, leave_out))


def _letters(captions: Sequence[Cue]) -> str:
    return "".join(line for cue in captions for line in cue.lines)


def _speech(lines: Sequence[str], leave_out: LeaveOut) -> tuple[str, ...]:
    """Remove credits, and split the lines where the speaker changes.

    Several dashes in one caption mark a change, whatever follows them.
    """
    if sum(1 for line in lines if _LINE_DASH.match(line)) > 1:
        lines = [_LINE_DASH.sub(">> ", line) for line in lines]
    speech: list[str] = []
    is_credit = False
    if _ADVERT.search(" ".join(lines)):
        leave_out(OF_CREDITS, " ".join(lines))
        return ()
    for line in lines:
        goes_on = is_credit and _CREDIT_NAME.fullmatch(line)
        is_credit = bool(goes_on or CREDITS.fullmatch(line))
        speech += [] if is_credit else [line]
    if CREDITS.fullmatch(" ".join(speech)):  # broken in two lines
        speech = []
    leave_out_rest(leave_out, OF_CREDITS, "".join(lines), "".join(speech))
    return tuple(part for line in speech for part in _AMID.split(line))


def _with_voices(captions: Sequence[Cue]) -> list[Cue]:
    """Convert names in unmistakable forms to voices (``<v Имя>``).

    A line may begin with a label of diarization: «[SPEAKER_00]: » (WhisperX), «SPEAKER_00: ». Or
    every caption begins with «Имя: » (Zoom; any name), or several begin with «[Имя] », «[Имя]: ».
    """
    filled = [cue for cue in captions if cue.lines]
    begun = sum(1 for cue in filled if _COLON.fullmatch(cue.lines[0]))
    by_colon = len(filled) > 2 and begun >= MIN_FORM_SHARE * len(filled)
    brackets = (_BRACKET.fullmatch(line) for cue in filled for line in cue.lines)
    counts = Counter(line[1] for line in brackets if line and not is_remark(line[1], apart=True))
    names = {name for name, count in counts.items() if count > 1}
    by_bracket = names if len(names) > 1 else set()
    result = []
    for cue in captions:
        lines: list[str] = []
        for index, line in enumerate(cue.lines):
            label = labelled(line)
            named = (by_colon and index == 0 and _COLON.fullmatch(line)) or _BRACKET.fullmatch(line)
            if label:
                lines += [f"<v {label[0]}>", *filter(None, label[1:])]
            elif named and (by_colon or named[1] in by_bracket):
                name = _BRACKETED.sub(r"\1", named[1])
                lines += [f"<v {name}>", named[2]]
            else:
                lines.append(line)
        result.append(replace(cue, lines=tuple(lines)))
    return result


def _speaker_names(lines: Sequence[str]) -> frozenset[str]:
    """Find the names that begin lines: by their frequency, after ``>>``, or in capitals."""
    marked = (opening(_CHANGE.sub("", line)) for line in lines if _CHANGE.match(line))
    names = speakers(lines) | {key(start.name) for start in marked if start}
    openings = [opening(_DASH.sub("", line)) for line in lines if not line.isupper()]
    capitals = [start.name for start in openings if start and start.name.isupper()]
    capitals = [name for name in capitals if len(name) > 2 and key(name) not in NO_NAME]
    return names | (frozenset(map(key, capitals)) if len(capitals) > 2 else frozenset())


@dataclass(slots=True)
class _Part:
    """What one speaker says in a caption."""

    speaker: str | None
    lines: list[str]
    unnamed: bool = False  # the speaker changes to an unknown one


def _pieces(
    captions: Sequence[Cue], names: Collection[str], leave_out: LeaveOut
) -> Iterator[Piece]:
    speaker: str | None = None
    ended = True  # the sentence before
    for cue in captions:
        parts = [_Part(speaker, [])]
        for line in cue.lines:
            part = _begun(line, names, ended, speaker, leave_out)
            if part:
                parts.append(part)
                speaker = part.speaker
            else:
                parts[-1].lines.append(line)
            ended = _ENDED.search(line) is not None
        for part in parts:
            text = cleaned(" ".join(part.lines), leave_out, machine=True)
            if text:
                text = f"— {text}" if part.unnamed else text
                yield Piece(text, cue.start, cue.end, part.speaker, part.unnamed)


def _begun(
    line: str, names: Collection[str], ended: bool, speaker: str | None, leave_out: LeaveOut
) -> _Part | None:
    """Return the turn that begins with this line, if any."""
    if voice := _VOICE.fullmatch(line):
        return _Part(voice[1], [])
    change = _CHANGE.match(line)
    rest = line[change.end() :] if change else line
    if named := split(rest, names):
        leave_out_at_name(leave_out, rest, *named)
        return _Part(named[0], [named[1]])
    if change:
        return _Part(None, [rest], unnamed=True)
    if ended and (dash := _DASH.match(line)):
        return _Part(speaker, [line[dash.end() :]], unnamed=True)
    return None
