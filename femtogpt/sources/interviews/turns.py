"""Turns: who says what, and the form in which a model reads it.

The form: a line is a paragraph; a line that begins with the character ``▸`` (``SPEAKER``) begins
a turn, and goes on with the speaker's name, a colon and a space. The lines after it, up to the
next ``▸``, are further paragraphs of that turn::

    ▸ Софья: Вы здесь?
    ▸ Чацкий: Чуть свет — уж на ногах!
    И я у ваших ног.

Names hold no colon, and ``▸`` stands nowhere else, so that the turns can be told again from the
text. Paragraphs before the first turn (an introduction) and those of a document in which nobody
is named bear no mark. Where it is known that another speaks but not who, the paragraph begins
with a dash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

Speakers = Literal["names", "letters", "none"]
SPEAKER = "▸"
LOOKALIKE = "›"  # for a ▸ in the text itself
LETTERS = "АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЭЮЯ"  # without those that begin no word, and without Ё
MACHINE = re.compile(  # what programs call those whom they tell apart
    r"""(?xi) (?:speaker|spkr?|спикер|говорящий|голос|участник) (?:[ _-]?\d{1,3} | [ _-][a-z])
    | s[ _-]?\d{1,3} | \d{1,3} | [a-z]"""
)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker says in a row."""

    speaker: str | None  # None: not known
    paragraphs: tuple[str, ...]  # without line ends


def joined(turns: Iterable[Turn]) -> list[Turn]:
    """One speaker's consecutive turns become one; empty ones go, and what could fake a turn."""
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
    """Paragraphs with single spaces and no mark of a speaker; empty ones go."""
    return filter(None, (" ".join(text.split()).replace(SPEAKER, LOOKALIKE) for text in paragraphs))


def shown(turns: Iterable[Turn], speakers: Speakers) -> list[Turn]:
    """The turns with the names that are to be shown: as they are, or letters in their stead.

    Names that a machine gave (``SPEAKER_00``) become letters in any case.
    """
    letters: dict[str, str] = {}
    result = []
    for turn in turns:
        name = turn.speaker
        if name is not None and (speakers == "letters" or MACHINE.fullmatch(name)):
            round_, place = divmod(len(letters), len(LETTERS))
            name = letters.setdefault(name, f"{LETTERS[place]}{round_ or ''}")
        result.append(Turn(name, turn.paragraphs))
    return result


def written(turns: Iterable[Turn], speakers: Speakers) -> str:
    """The text of turns that are joined and shown, in the form above.

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
    """A name that cannot be taken for something else in the form; None where nothing is left."""
    return " ".join((name or "").replace(SPEAKER, " ").replace(":", " ").split()) or None
