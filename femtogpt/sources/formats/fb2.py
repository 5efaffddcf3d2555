"""FictionBook: the text of a book in paragraphs and verse, without notes and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from femtogpt.sources.archives import Member
from femtogpt.sources.base import Document
from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.formats.html import NOTE_NUMBER
from femtogpt.sources.formats.text import decoded
from femtogpt.sources.formats.xml import local, parse
from femtogpt.sources.info import year_in

LINE_ELEMENTS = {"p", "v", "subtitle", "text-author", "date"}  # each is a line of text
LINE_GROUPS = {"title", "stanza", "table"}  # elements whose lines belong together
SKIPPED = {"image", "binary"}
NOTE_BODIES = {"notes", "comments", "footnotes"}  # by name


def read(file: Member, settings: Any) -> Iterator[Document]:
    """Yield the book with its title, authors and year."""
    root = parse(decoded(file.read()))
    if local(root) != "FictionBook":
        raise Unreadable(f"it is no FictionBook but XML with the root {local(root)!r}")
    info = root.find("{*}description/{*}title-info")
    blocks: list[str] = []
    for body in root.findall("{*}body"):
        if (body.get("name") or "").lower() not in NOTE_BODIES:
            blocks += _blocks(body)
    about = {} if info is None else _about(info)
    yield Document(file.name, "\n\n".join(blocks), **about)


def _about(info: etree._Element) -> dict[str, Any]:
    """Read the title, the author and the year of the work (not of the edition)."""
    authors = []
    for author in info.findall("{*}author"):
        names = (_line(author.find(f"{{*}}{part}-name")) for part in ("first", "middle", "last"))
        authors.append(" ".join(filter(None, names)) or _line(author.find("{*}nickname")))
    date = info.find("{*}date")
    year = None if date is None else year_in(date.get("value") or "") or year_in(_line(date))
    return {
        "title": _line(info.find("{*}book-title")) or None,
        "author": ", ".join(filter(None, authors)) or None,
        "year": year,
    }


def _blocks(element: etree._Element) -> Iterator[str]:
    """Yield the paragraphs, headings and stanzas, in order."""
    for child in element:
        name = local(child)
        if name in LINE_ELEMENTS:
            if line := _line(child):
                yield line
        elif name in LINE_GROUPS:
            if lines := "\n".join(_blocks(child)):
                yield lines
        elif name == "tr":
            if cells := " ".join(filter(None, map(_line, child))):
                yield cells
        elif name not in SKIPPED:
            yield from _blocks(child)


def _line(element: etree._Element | None) -> str:
    """Return the text of an element on one line, without references to notes."""
    return "" if element is None else " ".join("".join(_pieces(element)).split())


def _pieces(element: etree._Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if local(child) not in ("", *SKIPPED) and not _is_reference(child):
            yield from _pieces(child)
        yield child.tail or ""


def _is_reference(element: etree._Element) -> bool:
    """Whether it is a reference to a note: marked so, or a number that links into the book."""
    if local(element) != "a":
        return False
    target = next((value for name, value in element.attrib.items() if name.endswith("href")), "")
    numbered = target.startswith("#") and NOTE_NUMBER.fullmatch("".join(element.itertext()))
    return element.get("type") == "note" or bool(numbered)
