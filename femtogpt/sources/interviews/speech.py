"""From timed pieces of speech (captions, segments) to paragraphs and turns.

The pieces are joined as they are: what a machine wrote without capitals and full stops stays so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from femtogpt.sources.interviews.turns import Turn

PAUSE = 2.0  # seconds of silence that end a paragraph, where a sentence has ended
LONG = 500  # characters after which a paragraph ends with the sentence
UNPUNCTUATED = 400  # characters per sentence end, from which a text counts as one without them
_END = re.compile(r"[.!?…][»\")\]]*$")
_ENDS = re.compile(r"[.!?…](?=\s|$)")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words, and when they were said."""

    text: str
    start: float | None = None  # seconds
    end: float | None = None
    speaker: str | None = None
    begins: bool = False  # a turn, of a speaker whose name is not known


def turns(pieces: Iterable[Piece]) -> list[Turn]:
    """A turn for each run of pieces with the same speaker."""
    pieces = list(pieces)
    punctuated = is_punctuated(pieces)
    return [
        Turn(speaker, tuple(paragraphs(run, punctuated)))
        for speaker, run in groupby(pieces, lambda piece: piece.speaker)
    ]


def paragraphs(pieces: Iterable[Piece], punctuated: bool = True) -> list[str]:
    """The pieces' texts, joined; a pause, another speaker or enough length begins a paragraph."""
    result: list[str] = []
    last: Piece | None = None
    for piece in pieces:
        if not piece.text:
            continue
        ended = not punctuated or (last is not None and _END.search(last.text) is not None)
        if (
            last is None
            or piece.begins
            or (ended and _pause(last, piece) > PAUSE)
            or (ended and punctuated and len(result[-1]) >= LONG)
        ):
            result.append(piece.text)
        else:
            result[-1] += f" {piece.text}"
        last = piece
    return result


def is_punctuated(pieces: Iterable[Piece]) -> bool:
    """Whether sentences end with a full stop here: automatic captions have none."""
    texts = [piece.text for piece in pieces]
    ends = sum(len(_ENDS.findall(text)) for text in texts)
    return ends * UNPUNCTUATED >= sum(map(len, texts))


def _pause(before: Piece, after: Piece) -> float:
    """Seconds between two pieces; 0 where the times are not known."""
    if before.end is None or after.start is None:
        return 0.0
    return after.start - before.end
