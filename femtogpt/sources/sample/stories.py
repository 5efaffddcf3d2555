"""Small Russian stories from a generator that knows the exact probability of each.

The language is in ``grammar``, ``lexicon`` and ``lexicon_plots``; ``patterns`` turns it into
choices, and ``pens`` make them. So -log2 p(text) is exact, and on average no model can predict
the text with fewer bits.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from femtogpt.sources.sample import lexicon_plots
from femtogpt.sources.sample.patterns import HERO, Cast, fork, parse
from femtogpt.sources.sample.pens import Pen, Reader, Writer

PARAGRAPH = "\n\n"


@dataclass(frozen=True)
class Story:
    """One story; ``title`` follows from its choices and is not part of ``text``.

    Blank lines separate the paragraphs of ``text``. ``bits`` is its information content,
    -log2 p(text), including its end.
    """

    title: str
    text: str
    bits: float


class _Plot:
    """The compiled patterns and the order in which they make a story.

    The opening is followed by a scene, a remark and its answer; then, with equal probability, by
    the ending or by a second scene and the ending. The first words reveal which.
    """

    def __init__(self) -> None:
        self.titles = list(lexicon_plots.SCENES)
        scenes = list(lexicon_plots.SCENES.values())
        endings = list(lexicon_plots.ENDINGS)
        self.opening = parse(lexicon_plots.OPENING)
        self.scene = fork(scenes)
        self.talk = (fork(lexicon_plots.REPLIES), fork(lexicon_plots.ANSWERS))
        self.ending = fork(endings)
        weights = [1 / (len(scenes) - 1)] * (len(scenes) - 1) + [1 / len(endings)] * len(endings)
        self.other_scenes = len(scenes) - 1
        self.onward = [  # by the number of the first scene
            fork(scenes[:first] + scenes[first + 1 :] + endings, weights)
            for first in range(len(scenes))
        ]

    def tell(self, pen: Pen) -> str:
        """Tell one story with a pen and return its title."""
        cast = Cast()

        def paragraph() -> None:
            pen.write(PARAGRAPH)
            cast.drawn.clear()

        for node in self.opening:
            node.run(pen, cast)
        paragraph()
        first = self.scene.run(pen, cast)
        for line in self.talk:
            paragraph()
            line.run(pen, cast)
        paragraph()
        if self.onward[first].run(pen, cast) < self.other_scenes:
            paragraph()
            self.ending.run(pen, cast)
        return f"{cast.named[HERO].forms['n']} {self.titles[first]}"


@cache
def _plot() -> _Plot:
    return _Plot()


def write_story(rng: random.Random) -> Story:
    """Draw one story."""
    pen = Writer(rng)
    title = _plot().tell(pen)
    return Story(title, "".join(pen.parts), pen.bits)


def read_story(text: str) -> float:
    """Compute the information content of a story in bits: -log2 p(text), including its end.

    Raises ValueError if the generator cannot write this text.
    """
    pen = Reader(text)
    _plot().tell(pen)
    pen.finish()
    return pen.bits


def generate_stories(seed: int, chars: int) -> Iterator[Story]:
    """Generate complete, distinct stories until they have at least ``chars`` characters.

    Story i depends only on (seed, i), so a larger size only appends. A story with the text of an
    earlier one is skipped.
    """
    seen: set[str] = set()
    number = total = 0
    while total < chars:
        story = write_story(random.Random(f"{seed}:{number}"))
        number += 1
        if story.text not in seen:
            seen.add(story.text)
            total += len(story.text)
            yield story
