"""Sentence patterns with slots, compiled into choices for a pen.

A pattern is plain text with four marks:

* ``<пришёл>`` agrees in gender with the hero, ``<x:пришёл>`` with the noun labelled ``x``;
* ``{x.d}`` is the noun labelled ``x`` in a case (see ``grammar``);
* ``{с big thing.i=x}`` draws a noun from the list ``thing`` and, to agree with it, a word from the
  list ``big``; the preposition and the label are optional; ``#`` draws a number first; the cases
  ``where`` and ``whither`` add the noun's own preposition of place;
* ``[one|other]`` chooses between patterns, ``{word}`` among those of the list ``word``.

A noun that the paragraph has already named is not drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol

from femtogpt.sources.sample import lexicon, lexicon_plots
from femtogpt.sources.sample.grammar import Noun, agree, agreement, preposition
from femtogpt.sources.sample.pens import Pen, Table

HERO = "h"
CASE_OF_PLACE = {"where": "l", "whither": "a"}
SMALL_NUMBERS = ("три", "четыре")  # take the genitive singular
LARGE_NUMBERS = ("пять", "шесть", "семь", "восемь")  # take the genitive plural

Agreeing = Sequence[Mapping[str, str]]  # words, each with its forms by agreement key
Option = tuple[str, float, object]


@dataclass
class Cast:
    """The characters of a story by label, and the nouns named so far in this paragraph."""

    named: dict[str, Noun] = field(default_factory=dict)
    drawn: list[Noun] = field(default_factory=list)


class Node(Protocol):
    """A piece of a compiled pattern."""

    def run(self, pen: Pen, cast: Cast) -> object: ...


@dataclass(frozen=True)
class Fixed:
    """Fixed text; with a label, a word in the masculine that is made to agree with the noun."""

    text: str
    label: str = ""

    def surface(self, cast: Cast) -> str:
        return agree(self.text, cast.named[self.label].gender) if self.label else self.text

    def run(self, pen: Pen, cast: Cast) -> None:
        pen.write(self.surface(cast))


@dataclass(frozen=True)
class Mention:
    """A labelled noun in a case."""

    label: str
    code: str

    def run(self, pen: Pen, cast: Cast) -> None:
        item = cast.named[self.label]
        pen.write(item.forms[self.code])
        cast.drawn.append(item)


@dataclass(frozen=True)
class Chain:
    """A drawn noun after words that agree with it; each choice returns the next table.

    The form of the first word reveals the gender, so later tables hold only nouns that fit.
    """

    first: Table
    label: str

    def run(self, pen: Pen, cast: Cast) -> None:
        value = pen.choose(self.first, cast.drawn)
        while isinstance(value, Table):
            value = pen.choose(value, cast.drawn)
        cast.drawn.append(value)
        if self.label:
            cast.named[self.label] = value


@dataclass(frozen=True)
class Fork:
    """A choice among patterns, identified by the fixed text each begins with."""

    branches: tuple[tuple[Node, ...], ...]
    weights: tuple[float, ...]
    tables: dict[str, Table] = field(default_factory=dict)  # by the gender of the hero

    def run(self, pen: Pen, cast: Cast) -> int:
        """Tell one branch and return its number."""
        hero = cast.named.get(HERO)
        gender = hero.gender if hero else ""
        if gender not in self.tables:
            self.tables[gender] = self.table(cast)
        number, rest = pen.choose(self.tables[gender])
        for node in rest:
            node.run(pen, cast)
        return number

    def table(self, cast: Cast) -> Table:
        """Build the choice for the hero of this cast."""
        options = []
        for number, (branch, weight) in enumerate(zip(self.branches, self.weights, strict=True)):
            lead, rest = "", branch
            while rest and isinstance(node := rest[0], Fixed) and node.label in ("", HERO):
                lead += node.surface(cast)
                rest = rest[1:]
            options.append((lead, weight, (number, rest)))
        return Table(options)


def fork(patterns: Sequence[str], weights: Sequence[float] = (), tail: str = "") -> Fork:
    """Compile a choice among patterns, each followed by ``tail``; by default equally likely."""
    branches = tuple(parse(pattern + tail) for pattern in patterns)
    return Fork(branches, tuple(weights) or (1.0,) * len(branches))


@cache
def parse(text: str) -> tuple[Node, ...]:
    """Compile a pattern.

    The character after a choice belongs to its options: «дом» is a prefix of «домик», but «дом.»
    is no prefix of «домик.», so a reader can tell them apart.
    """
    nodes: list[Node] = []
    at = 0
    while at < len(text):
        mark = text[at]
        if mark not in "<{[":
            end = min((i for char in "<{[" if (i := text.find(char, at)) > 0), default=len(text))
            nodes.append(Fixed(text[at:end]))
            at = end
            continue
        end = _closing(text, at)
        inner, after = text[at + 1 : end], text[end + 1 : end + 2]
        at = end + 1
        if mark == "<":
            label, _, word = inner.rpartition(":")
            nodes.append(Fixed(word, label or HERO))
        elif mark == "{" and inner[1] == ".":
            nodes.append(Mention(inner[0], inner[2:]))
        else:
            tail = after if after not in "<{[" else ""
            at += len(tail)
            if mark == "{" and ("." in inner or "#" in inner):
                nodes.append(chain(inner, tail))
            else:
                choice = inner if mark == "[" else lexicon_plots.WORDS[inner]
                nodes.append(fork(_alternatives(choice), tail=tail))
    return tuple(nodes)


def _closing(text: str, start: int) -> int:
    """Find where the mark opened at ``start`` is closed; only square brackets nest."""
    if text[start] != "[":
        return text.index({"<": ">", "{": "}"}[text[start]], start)
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] == "[") - (text[at] == "]")
        if depth == 0:
            return at
    raise ValueError(f"unclosed bracket: {text[start:]}")


def _alternatives(text: str) -> list[str]:
    """Split at the bars outside inner brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char == "[") - (char == "]")
        if char == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def chain(slot: str, tail: str) -> Chain:
    """Compile a slot such as ``с big thing.i=x``, followed by the character ``tail``."""
    *words, last = slot.split()
    name, _, rest = last.partition(".")
    code, _, label = rest.partition("=")
    pool = getattr(lexicon, name.upper())
    before = [getattr(lexicon, word.upper()) for word in words if word.isascii() and word != "#"]
    fixed_lead = words[0] if words and not words[0].isascii() else ""
    if "#" in words:
        return Chain(_counted(before, pool, tail), label)

    groups: dict[tuple[str, str], list[Noun]] = {}
    case = CASE_OF_PLACE.get(code, code)
    for item in pool:
        lead = item.at if code in CASE_OF_PLACE else fixed_lead
        groups.setdefault((agreement(item, case), lead), []).append(item)
    options: list[Option] = []
    for (key, lead), group in groups.items():
        options += _options(before, key, case, group, tail, lead)
    return Chain(Table(options), label)


def _options(
    before: Sequence[Agreeing],
    key: str,
    case: str,
    group: Sequence[Noun],
    tail: str,
    lead: str = "",
) -> list[Option]:
    """Build the first choice for nouns that agree alike: a word before them, or the noun."""

    def with_preposition(word: str) -> str:
        return f"{preposition(lead, word)} {word}" if lead else word

    if not before:
        return [(with_preposition(item.forms[case]) + tail, 1.0, item) for item in group]
    following = Table(_options(before[1:], key, case, group, tail))
    return [(with_preposition(word[key]) + " ", float(len(group)), following) for word in before[0]]


def _counted(before: Sequence[Agreeing], pool: Sequence[Noun], tail: str) -> Table:
    """Build the choice of a counted noun: «два новых стула», «две новые чашки», «пять чашек»."""
    feminine = [item for item in pool if item.gender == "f"]
    others = [item for item in pool if item.gender in "mn"]
    of_others = _options(before, "pg", "g", others, tail)
    of_feminine = _options(before, "p", "g", feminine, tail)
    few = Table(of_others + of_feminine)
    many = Table(_options(before, "pg", "G", others + feminine, tail))
    size = float(len(others + feminine))
    options: list[Option] = [("два ", float(len(others)), Table(of_others))]
    options += [("две ", float(len(feminine)), Table(of_feminine))]
    options += [(f"{number} ", size, few) for number in SMALL_NUMBERS]
    options += [(f"{number} ", size, many) for number in LARGE_NUMBERS]
    return Table(options)
