"""Passages of held-out works: what a text has in common with the train split by chance."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from femtogpt.artifacts.artifact import Artifact
from femtogpt.memorisation.corpus_works import works_of
from femtogpt.memorisation.index_layout import Work

SEED = 0


class Passage(NamedTuple):
    """A part of a held-out work, from ``place`` on."""

    work: Work
    place: int
    text: str


def held_out_works(corpus: Artifact, authors: Iterable[str]) -> tuple[list[tuple[Work, str]], bool]:
    """The held-out works by these authors with their texts, and True; all works if none is."""
    works = list(works_of(corpus, "held_out"))
    known = set(authors)
    by_them = [(work, text) for work, text in works if work.author in known]
    return by_them or works, bool(by_them)


def passages(works: Sequence[tuple[Work, str]], lengths: Iterable[int]) -> list[Passage]:
    """A passage of each length, every place as likely; always the same ones.

    Where no work is so long, the whole of the longest. None without works.
    """
    draw = random.Random(SEED)
    return [_passage(works, length, draw) for length in lengths] if works else []


def _passage(works: Sequence[tuple[Work, str]], length: int, draw: random.Random) -> Passage:
    length = min(length, max(len(text) for _, text in works))
    places = [max(0, len(text) - length + 1) for _, text in works]
    ((work, text),) = draw.choices(works, places)
    place = draw.randrange(len(text) - length + 1)
    return Passage(work, place, text[place : place + length])
