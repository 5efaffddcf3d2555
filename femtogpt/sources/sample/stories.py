"""Small Russian stories from a generator which knows the exact probability of each.

The language is in ``grammar``, ``lexicon`` and ``lexicon_plots``; ``patterns`` turns it into
choices, and ``pens`` make them. So -log2 p(text) is exact: no model can, on average, say what
comes next with fewer bits than that.
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
    """One story; ``title`` follows from the choices made and is no part of ``text``.

    The paragraphs of ``text`` are parted by one blank line. ``bits`` is its information content,
    -log2 p(text), its end included.
    """

    title: str
    text: str
    bits: float


class _Plot:
    """The compiled patterns and the order in which they make a story.

    After the opening come a scene, somebody's words and the answer; then, equally likely, the
    ending or a second scene before it. The first words of either tell which it is.
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
        self.others = len(scenes) - 1
        self.onward = [  # by the number of the first scene
            fork(scenes[:first] + scenes[first + 1 :] + endings, weights)
            for first in range(len(scenes))
        ]

    def tell(self, pen: Pen) -> str:
        """Tell a whole story with a pen and return its title."""
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
        if self.onward[first].run(pen, cast) < self.others:
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
    """The information content of a story in bits, -log2 p(text), its end included.

    ValueError if the generator cannot write this text.
    """
    pen = Reader(text)
    _plot().tell(pen)
    pen.finish()
    return pen.bits


def generate_stories(seed: int, chars: int) -> Iterator[Story]:
    """Whole, pairwise different stories until at least ``chars`` characters are made.

    Story i depends only on (seed, i), so a larger size only appends. A story whose text was made
    before in this stream is left out.
    """
    seen: set[str] = set()
    number = made = 0
    while made < chars:
        story = write_story(random.Random(f"{seed}:{number}"))
        number += 1
        if story.text not in seen:
            seen.add(story.text)
            made += len(story.text)
            yield story
