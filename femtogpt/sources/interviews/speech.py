"""Joins timed pieces of speech (captions, segments) into paragraphs and turns.

The texts are joined unchanged: a machine's missing capitals and full stops stay missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from femtogpt.sources.interviews.turns import Turn

PAUSE_SECONDS = 2.0  # after a sentence, a longer silence ends the paragraph
PARAGRAPH_CHARACTERS = 500  # a paragraph of this length ends with the sentence
MAX_SENTENCE_CHARACTERS = 400  # with longer sentences on average, a text has no punctuation
_ENDS_SENTENCE = re.compile(r"[.!?…][»\")\]]*$")
_SENTENCE_END = re.compile(r"[.!?…](?=\s|$)")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words, with their times and speaker."""

    text: str
    start: float | None = None  # seconds
    end: float | None = None
    speaker: str | None = None
    begins: bool = False  # begins the turn of an unnamed speaker


def turns(pieces: Iterable[Piece]) -> list[Turn]:
    """Make a turn of each run of pieces with the same speaker."""
    pieces = list(pieces)
    punctuated = is_punctuated(pieces)
    return [
        Turn(speaker, tuple(paragraphs(run, punctuated)))
        for speaker, run in groupby(pieces, lambda piece: piece.speaker)
    ]


def paragraphs(pieces: Iterable[Piece], punctuated: bool = True) -> list[str]:
    """Join the pieces' texts; a pause, another speaker or enough length begins a new paragraph."""
    result: list[str] = []
    previous: Piece | None = None
    for piece in pieces:
        if not piece.text:
            continue
        sentence_ended = not punctuated or (
            previous is not None and _ENDS_SENTENCE.search(previous.text) is not None
        )
        if (
            previous is None
            or piece.begins
            or (sentence_ended and _pause_seconds(previous, piece) > PAUSE_SECONDS)
            or (sentence_ended and punctuated and len(result[-1]) >= PARAGRAPH_CHARACTERS)
        ):
            result.append(piece.text)
        else:
            result[-1] += f" {piece.text}"
        previous = piece
    return result


def is_punctuated(pieces: Iterable[Piece]) -> bool:
    """Whether sentences end with punctuation; in automatic captions they often do not."""
    texts = [piece.text for piece in pieces]
    ends = sum(len(_SENTENCE_END.findall(text)) for text in texts)
    return ends * MAX_SENTENCE_CHARACTERS >= sum(map(len, texts))


def _pause_seconds(before: Piece, after: Piece) -> float:
    """Return the silence between two pieces; 0 if their times are unknown."""
    if before.end is None or after.start is None:
        return 0.0
    return after.start - before.end
