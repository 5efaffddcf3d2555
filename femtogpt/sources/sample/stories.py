"""A generator of small Russian stories which knows the exact probability of what it writes.

A story is a random walk through the sentence patterns of ``lexicon_plots``. Every choice emits
its text at once, and no option of a choice begins with another of its options; so the text tells
each choice, and -log2 p(text) is the sum over the choices. ``Writer`` draws the choices and
``Reader`` recovers them from a text; both run the same patterns.

A pattern is plain text with four marks:

* ``<пришёл>`` agrees with the hero, ``<x:пришёл>`` with whoever is labelled ``x``;
* ``{x.d}`` is the labelled noun in a case (see ``grammar``);
* ``{с big thing.i=x}`` draws a noun from the list ``thing`` with an adjective from ``big``, after
  a preposition and with a label if given; ``#`` draws a number first; the cases ``where``,
  ``whither`` and ``whence`` come with the preposition of place of the noun itself;
* ``[one|other]`` chooses among patterns, and ``{word}`` among those of the list ``word``.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from math import log2
from typing import Any, Protocol

from femtogpt.sources.sample import lexicon, lexicon_plots
from femtogpt.sources.sample.grammar import Noun, agree, agreement, preposition

Cast = dict[str, Noun]
PREPOSITIONS = frozenset(
    [
        "с",
        "в",
        "о",
        "к",
        "на",
        "у",
        "из",
        "от",
        "по",
        "за",
        "под",
        "над",
        "до",
        "для",
        "без",
        "перед",
        "около",
    ]
)
OUT_OF = {"в": "из", "на": "с"}


@dataclass(frozen=True)
class Story:
    """One story; ``title`` follows from the choices made and is no part of ``text``.

    ``bits`` is the information content of ``text``, -log2 p(text), its end included.
    """

    title: str
    text: str
    bits: float


class Table:
    """The options of one choice: surface text, weight, and the value handed back.

    ValueError where one surface begins with another, which would make reading ambiguous.
    """

    def __init__(self, options: Sequence[tuple[str, float, Any]]) -> None:
        self.surfaces = [surface for surface, _, _ in options]
        self.values = [value for _, _, value in options]
        self.bounds = list(accumulate(weight for _, weight, _ in options))
        self.total = self.bounds[-1]
        self.bits = [-log2(weight / self.total) for _, weight, _ in options]
        self.index = {surface: i for i, surface in enumerate(self.surfaces)}
        self.lengths = sorted({len(surface) for surface in self.surfaces})
        for surface in self.surfaces:
            for length in self.lengths:
                if length < len(surface) and surface[:length] in self.index:
                    raise ValueError(f"{surface!r} begins with {surface[:length]!r}")
        if len(self.index) < len(options) or (0 in self.lengths and len(options) > 1):
            raise ValueError(f"two options read the same: {sorted(self.surfaces)}")


class Pen(Protocol):
    """What a pattern needs: to emit fixed text, and to emit one option of a table."""

    def write(self, text: str) -> None: ...
    def choose(self, table: Table) -> Any: ...


@dataclass
class Writer:
    """Draws every choice and gathers the text and its information content."""

    rng: random.Random
    parts: list[str] = field(default_factory=list)
    bits: float = 0.0

    def write(self, text: str) -> None:
        self.parts.append(text)

    def choose(self, table: Table) -> Any:
        drawn = bisect_right(table.bounds, self.rng.random() * table.total)
        self.bits += table.bits[drawn]
        self.parts.append(table.surfaces[drawn])
        return table.values[drawn]


@dataclass
class Reader:
    """Recovers every choice from a text; ValueError where the generator cannot have written it."""

    text: str
    at: int = 0
    bits: float = 0.0

    def write(self, text: str) -> None:
        if not self.text.startswith(text, self.at):
            raise ValueError(f"expected {text!r} at character {self.at}")
        self.at += len(text)

    def choose(self, table: Table) -> Any:
        for length in table.lengths:
            found = table.index.get(self.text[self.at : self.at + length])
            if found is not None:
                self.at += length
                self.bits += table.bits[found]
                return table.values[found]
        raise ValueError(f"no option fits at character {self.at}")

    def finish(self) -> None:
        if self.at < len(self.text):
            raise ValueError(f"text left over at character {self.at}")


# The nodes of a compiled pattern.


@dataclass(frozen=True)
class Fixed:
    """Fixed text; a word in angle brackets, given in the masculine, agrees with ``label``."""

    text: str
    label: str = ""

    def surface(self, cast: Cast) -> str:
        return agree(self.text, cast[self.label].gender) if self.label else self.text

    def run(self, pen: Pen, cast: Cast) -> None:
        pen.write(self.surface(cast))


@dataclass(frozen=True)
class Mention:
    """A labelled noun in a case."""

    label: str
    code: str

    def run(self, pen: Pen, cast: Cast) -> None:
        pen.write(cast[self.label].forms[self.code])


@dataclass(frozen=True, eq=False)
class Chain:
    """A drawn noun with the words before it that agree with it: a table for each word.

    The first word also tells how the next ones must agree, so its value is the table of the
    next word, and so on down to the noun.
    """

    first: Table
    label: str

    def run(self, pen: Pen, cast: Cast) -> None:
        value = pen.choose(self.first)
        while isinstance(value, Table):
            value = pen.choose(value)
        if self.label:
            cast[self.label] = value


@dataclass(eq=False)
class Fork:
    """A choice among patterns, each known by the fixed text it begins with."""

    branches: tuple[tuple[Any, ...], ...]
    weights: tuple[float, ...]
    tables: dict[str, Table] = field(default_factory=dict)

    def run(self, pen: Pen, cast: Cast) -> int:
        gender = cast["h"].gender if "h" in cast else "m"
        table = self.tables.get(gender) or self._table(gender, cast)
        chosen, rest = pen.choose(table)
        for node in rest:
            node.run(pen, cast)
        return chosen

    def _table(self, gender: str, cast: Cast) -> Table:
        options = []
        for i, (branch, weight) in enumerate(zip(self.branches, self.weights, strict=True)):
            lead, rest = "", list(branch)
            while rest and isinstance(rest[0], Fixed) and rest[0].label in ("", "h"):
                lead += rest.pop(0).surface(cast)
            options.append((lead, weight, (i, tuple(rest))))
        self.tables[gender] = Table(options)
        return self.tables[gender]


def fork(patterns: Sequence[str], weights: Sequence[float] | None = None, tail: str = "") -> Fork:
    """A choice among patterns, each followed by ``tail``."""
    branches = tuple(parse(pattern + tail) for pattern in patterns)
    return Fork(branches, tuple(weights or [1.0] * len(branches)))


# Compiling patterns.


def _split(text: str) -> list[str]:
    """The alternatives of a bracket; a bar within an inner bracket belongs to that one."""
    parts, depth = [""], 0
    for char in text:
        depth += (char == "[") - (char == "]")
        if char == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def _closing(text: str, start: int) -> int:
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] == "[") - (text[at] == "]")
        if depth == 0:
            return at
    raise ValueError(f"unclosed bracket: {text[start:]}")


@cache
def parse(text: str) -> tuple[Any, ...]:
    """Compile a pattern. The character after a choice is emitted with it, to end the word."""
    nodes: list[Any] = []
    at = 0
    while at < len(text):
        mark = text[at]
        if mark not in "<{[":
            end = min(text.find(c, at) % (len(text) + 1) for c in "<{[")
            nodes.append(Fixed(text[at:end]))
            at = end
            continue
        end = _closing(text, at) if mark == "[" else text.index({"<": ">", "{": "}"}[mark], at)
        inner, after = text[at + 1 : end], text[end + 1 : end + 2]
        at = end + 1
        if mark == "<":
            label, _, word = inner.rpartition(":")
            nodes.append(Fixed(word, label or "h"))
        elif inner[1:2] == "." and mark == "{":
            nodes.append(Mention(inner[0], inner[2:]))
        else:
            tail = after if after not in "<{[" else ""
            at += len(tail)
            if mark == "[":
                nodes.append(fork(_split(inner), tail=tail))
            elif "." in inner or inner[0] == "#":
                nodes.append(chain(inner, tail))
            else:
                nodes.append(fork(_split(lexicon_plots.WORDS[inner]), tail=tail))
    return tuple(nodes)


def _groups(pool: Sequence[Noun], code: str, given: str) -> dict[tuple[str, str, str], list[Noun]]:
    """Nouns by (agreement key, case, preposition): those whose adjectives look the same."""
    groups: dict[tuple[str, str, str], list[Noun]] = {}
    for item in pool:
        case, before = code, given
        if code in ("where", "whither", "whence"):
            case = {"where": "l", "whither": "a", "whence": "g"}[code]
            before = OUT_OF[item.at] if code == "whence" else item.at
        groups.setdefault((agreement(item, case), case, before), []).append(item)
    return groups


def _words(
    before: list[Sequence[dict[str, str]]],
    key: str,
    case: str,
    prep: str,
    pool: Sequence[Noun],
    tail: str,
) -> list[tuple[str, float, Any]]:
    """The options for the first word of a chain within one group of nouns."""

    def led(word: str) -> str:
        return f"{preposition(prep, word)} {word}" if prep else word

    if not before:
        return [(led(item.forms[case]) + tail, 1.0, item) for item in pool]
    following = Table(_words(before[1:], key, case, "", pool, tail))
    return [(led(word[key]) + " ", float(len(pool)), following) for word in before[0]]


def chain(slot: str, tail: str) -> Chain:
    """Compile a slot such as ``с big thing.i=x``."""
    *words, last = slot.split()
    name, _, rest = last.partition(".")
    code, _, label = rest.partition("=")
    prep = words.pop(0) if words and words[0] in PREPOSITIONS else ""
    pool = getattr(lexicon, name.upper())
    if not words or words[0] != "#":
        before = [getattr(lexicon, word.upper()) for word in words]
        options: list[tuple[str, float, Any]] = []
        for (key, case, preceding), group in _groups(pool, code, prep).items():
            options += _words(before, key, case, preceding, group, tail)
        return Chain(Table(options), label)
    return Chain(
        _counted([getattr(lexicon, word.upper()) for word in words[1:]], pool, tail), label
    )


def _counted(before: list[Sequence[dict[str, str]]], pool: Sequence[Noun], tail: str) -> Table:
    """A number and what is counted: два новых стула, две новые чашки, пять новых стульев."""
    feminine = [item for item in pool if item.gender == "f"]
    others = [item for item in pool if item.gender in "mn"]

    def few(*groups: tuple[str, list[Noun]]) -> Table:
        return Table([o for key, g in groups if g for o in _words(before, key, "g", "", g, tail)])

    many = Table(_words(before, "pg", "G", "", feminine + others, tail))
    options = [("два ", float(len(others)), few(("pg", others)))] if others else []
    options += [("две ", float(len(feminine)), few(("p", feminine)))] if feminine else []
    size = float(len(feminine + others))
    both = few(("pg", others), ("p", feminine))
    options += [(f"{number} ", size, both) for number in ("три", "четыре")]
    options += [(f"{number} ", size, many) for number in ("пять", "шесть", "семь", "восемь")]
    return Table(options)


# The story itself.


class _Plot:
    """The compiled patterns and the order in which they make a story.

    Opening, scene, what somebody says and the answer; then either the end or, first, a second
    scene which differs from the first one.
    """

    def __init__(self) -> None:
        self.titles = list(lexicon_plots.SCENES)
        scenes = list(lexicon_plots.SCENES.values())
        ends = list(lexicon_plots.ENDINGS)
        self.opening = parse(lexicon_plots.OPENING)
        self.scenes = fork(scenes)
        self.replies = fork(lexicon_plots.REPLIES)
        self.answers = fork(lexicon_plots.ANSWERS)
        self.ends = fork(ends)
        even = [1 / len(ends)] * len(ends)
        self.onward = []  # by the number of the first scene
        for first in range(len(scenes)):
            others = scenes[:first] + scenes[first + 1 :]
            weights = [1 / len(others)] * len(others)
            self.onward.append(fork(others + ends, weights + even))

    def tell(self, pen: Pen) -> str:
        """Run a whole story through a pen and return its title."""
        cast: Cast = {}
        for node in self.opening:
            node.run(pen, cast)
        pen.write("\n\n")
        first = self.scenes.run(pen, cast)
        for talk in (self.replies, self.answers):
            pen.write("\n\n")
            talk.run(pen, cast)
        pen.write("\n\n")
        if self.onward[first].run(pen, cast) < len(self.titles) - 1:
            pen.write("\n\n")
            self.ends.run(pen, cast)
        return f"{cast['h'].forms['n']} {self.titles[first]}"


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


def stories(seed: int, chars: int) -> Iterator[Story]:
    """Whole, pairwise different stories until at least ``chars`` characters are made.

    Story i depends only on (seed, i), so a larger size only appends. One which repeats an
    earlier story of the stream is left out.
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
