"""The text of a tree of elements as a reader sees it: lines, paragraphs, verse."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum, auto
from itertools import islice
from typing import Any

from lxml import etree

from femtogpt.sources.formats.superscripts import lowered, raised
from femtogpt.sources.formats.xml import local

MAX_SHORT_TEXT, MAX_SHORT_ELEMENTS = 40, 20
NOTE_NUMBER = re.compile(r"\W*(\d{1,4}|\*+|[ivxlc]{1,5})\W*")


class Kind(Enum):
    """How an element stands in the text."""

    INLINE = auto()  # a part of its line
    LINE = auto()  # on a line of its own
    BLOCK = auto()  # separated by an empty line
    CELL = auto()  # separated by a space
    VERBATIM = auto()  # a block that keeps its line breaks and spaces
    RAISED = auto()
    LOWERED = auto()
    HIDDEN = auto()


KindOf = Callable[[Any, str], Kind]  # from an element and its local name in lower case


def text_of(root: etree._Element, kind_of: KindOf) -> str:
    """Return the text: nothing is lost but what is hidden, wherever in the tree it stands."""
    lines: list[str] = []
    pieces: list[str] = []
    kinds: list[Kind] = []  # of the open elements
    verbatim = 0  # how many of them are

    def end_line() -> None:
        line = "".join(pieces)
        pieces.clear()
        if verbatim:
            lines.extend(line.split("\n"))
        elif words := line.split():
            lines.append(" ".join(words))

    def border(kind: Kind) -> None:
        if kind in (Kind.LINE, Kind.BLOCK, Kind.VERBATIM):
            end_line()
        if kind in (Kind.BLOCK, Kind.VERBATIM):
            lines.append("")

    walker = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, element in walker:
        if event == "start":
            kind = kind_of(element, local(element).lower())
            if kind in (Kind.RAISED, Kind.LOWERED) and short_text(element) is None:
                kind = Kind.INLINE  # a tag that is not closed
            kinds.append(kind)
            border(kind)
            verbatim += kind is Kind.VERBATIM
            if kind is Kind.CELL:
                pieces.append(" ")
            if kind in (Kind.RAISED, Kind.LOWERED):
                pieces.append(_shifted(element, kind, kind_of))
            if kind in (Kind.RAISED, Kind.LOWERED, Kind.HIDDEN):
                walker.skip_subtree()
            elif element.text:
                pieces.append(element.text)
            continue
        if event == "end":
            kind = kinds.pop()
            border(kind)
            verbatim -= kind is Kind.VERBATIM
        if element is not root and element.tail:
            pieces.append(element.tail)
    end_line()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _shifted(element: etree._Element, kind: Kind, kind_of: KindOf) -> str:
    """Return the text of a raised or lowered element."""

    def plain(inner: etree._Element, name: str) -> Kind:
        return Kind.HIDDEN if kind_of(inner, name) is Kind.HIDDEN else Kind.INLINE

    text = text_of(element, plain)
    return raised(text) if kind is Kind.RAISED else lowered(text)


def short_text(element: etree._Element) -> str | None:
    """Return the text of an element that has little in it; None if it has more."""
    if next(islice(element.iter(), MAX_SHORT_ELEMENTS, None), None) is not None:
        return None
    text = "".join(element.itertext())
    return text if len(text) <= MAX_SHORT_TEXT else None


def line_of(element: etree._Element | None) -> str:
    """Return all text of an element on one line."""
    return "" if element is None else " ".join("".join(element.itertext()).split())


def is_numbered_link(element: etree._Element, target: str) -> bool:
    """Whether an element that links to ``target`` is a reference to a note: a number or a star.

    It links into a page, or it is raised.
    """
    text = short_text(element)
    if text is None or not NOTE_NUMBER.fullmatch(text):
        return False
    around = element.getparent()
    names = {local(child).lower() for child in element.iter()}
    return "#" in target or "sup" in names or (around is not None and local(around) == "sup")
