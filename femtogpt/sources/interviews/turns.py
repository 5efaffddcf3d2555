"""Turns of a dialogue, and the text format in which a model reads them.

Each line is a paragraph. A line that begins with the character ``▸`` (``SPEAKER``) begins a turn:
the speaker's name follows, then a colon and a space. The lines up to the next ``▸`` are further
paragraphs of that turn::

    ▸ Софья: Вы здесь?
    ▸ Чацкий: Чуть свет — уж на ногах!
    И я у ваших ног.

Names contain no colon and ``▸`` occurs nowhere else, so the turns can be recovered from the text.
Paragraphs before the first turn (an introduction) and those of a document without named speakers
have no mark. Where the speaker changes but the new one is unknown, the paragraph begins with a
dash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

Speakers = Literal["names", "letters", "none"]
SPEAKER = "▸"
LOOKALIKE = "›"  # replaces a ▸ in the text itself
LETTERS = "АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЭЮЯ"  # without Ё and letters that begin no word
# The labels that diarization gives to speakers: the long ones cannot be anything else.
DIARIZED = r"(?:speaker|spkr?|спикер|говорящий|голос|участник)(?:[ _-]?\d{1,3}|[ _-][a-z])|unknown"
SHORT_LABEL = r"s[ _-]?\d{1,3}|\d{1,3}|[a-z]"
MACHINE_NAME = re.compile(rf"(?i:{DIARIZED}|{SHORT_LABEL})")
_LABEL = re.compile(  # unmistakable with a bracket, or with a number and a colon
    rf"(?:[\[(<]\s*({DIARIZED})\s*[\])>]\s*:?|({DIARIZED})\s*:|\[({SHORT_LABEL})\]\s*:)\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Turn:
    """The consecutive paragraphs of one speaker."""

    speaker: str | None  # None if unknown
    paragraphs: tuple[str, ...]  # without line breaks


def labelled(text: str) -> tuple[str, str] | None:
    """Split a text into the label of diarization that begins it and the rest, which may be empty.

    None if it begins with none: «[SPEAKER_00]: Да» and «SPEAKER_00: Да» do.
    """
    match = _LABEL.fullmatch(text)
    return (match[1] or match[2] or match[3], match[4]) if match else None


def joined(turns: Iterable[Turn]) -> list[Turn]:
    """Merge consecutive turns of a speaker, drop empty ones and remove what could fake a turn."""
    filled = (
        Turn(_safe(turn.speaker), turn.paragraphs)
        for turn in turns
        if any(map(str.strip, turn.paragraphs))
    )
    return [
        Turn(speaker, tuple(_spaced(text for turn in run for text in turn.paragraphs)))
        for speaker, run in groupby(filled, lambda turn: turn.speaker)
    ]


def _spaced(paragraphs: Iterable[str]) -> Iterator[str]:
    """Normalize spaces, replace speaker marks and drop empty paragraphs."""
    return filter(None, (" ".join(text.split()).replace(SPEAKER, LOOKALIKE) for text in paragraphs))


def shown(turns: Iterable[Turn], speakers: Speakers) -> list[Turn]:
    """Replace the names by letters if ``speakers`` asks for it.

    Labels from diarization (``SPEAKER_00``) become letters in any case.
    """
    letters: dict[str, str] = {}
    result = []
    for turn in turns:
        name = turn.speaker
        if name is not None and (speakers == "letters" or MACHINE_NAME.fullmatch(name)):
            suffix, index = divmod(len(letters), len(LETTERS))
            name = letters.setdefault(name, f"{LETTERS[index]}{suffix or ''}")
        result.append(Turn(name, turn.paragraphs))
    return result


def written(turns: Iterable[Turn], speakers: Speakers) -> str:
    """Write turns, after ``joined`` and ``shown``, in the format above.

    With ``none`` a turn begins with a dash instead of ``▸`` and the name.
    """
    lines = []
    for turn in turns:
        first, *others = turn.paragraphs
        if turn.speaker is not None:
            first = re.sub(r"^[-–—]\s+", "", first)
            mark = "— " if speakers == "none" else f"{SPEAKER} {turn.speaker}: "
            first = f"{mark}{first}"
        lines += [first, *others]
    return "\n".join(lines)


def _safe(name: str | None) -> str | None:
    """Remove the format's marks from a name; None if nothing is left."""
    return " ".join((name or "").replace(SPEAKER, " ").replace(":", " ").split()) or None
