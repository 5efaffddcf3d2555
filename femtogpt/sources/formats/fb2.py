"""FictionBook: the text of a book in paragraphs and verse, without notes and pictures."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from lxml import etree

from femtogpt.sources.archives import MAX_BYTES, Member
from femtogpt.sources.base import Document
from femtogpt.sources.compressed import Unreadable, damage_as_unreadable
from femtogpt.sources.formats.flow import Kind, is_numbered_link, line_of, short_text, text_of
from femtogpt.sources.formats.text import decoded_bytes
from femtogpt.sources.formats.xml import local, parse
from femtogpt.sources.info import year_in

PARAGRAPHS = {"p", "subtitle", "text-author", "date"}
LINE_GROUPS = {"title", "stanza"}  # their paragraphs are lines that belong together
_KINDS = {
    **dict.fromkeys(PARAGRAPHS | LINE_GROUPS, Kind.BLOCK),
    **dict.fromkeys(("body", "section", "epigraph", "cite", "poem", "annotation"), Kind.BLOCK),
    **dict.fromkeys(("table", "empty-line"), Kind.BLOCK),
    **dict.fromkeys(("v", "tr"), Kind.LINE),
    **dict.fromkeys(("td", "th"), Kind.CELL),
    **dict.fromkeys(("image", "binary", "description", "stylesheet"), Kind.HIDDEN),
    **{"sup": Kind.RAISED, "sub": Kind.LOWERED},
}
NOTE_BODIES = {"notes", "comments", "footnotes"}  # by name


def read(file: Member, settings: Any) -> Iterator[Document]:
    """Yield the book with its title, authors and year."""
    root = parse(decoded_bytes(_unzipped(file), file.mended), file.mended)
    is_page = local(root).lower() == "html"
    if is_page or (local(root).lower() != "fictionbook" and root.find(".//{*}body") is None):
        raise Unreadable(f"it is no FictionBook but XML with the root {local(root)!r}")
    yield document(file, root)


def _unzipped(file: Member) -> bytes:
    """Return the book's bytes; libraries hand out zips that are called .fb2."""
    data = file.read()
    if not data.startswith(b"PK\x03\x04"):
        return data
    with damage_as_unreadable(), zipfile.ZipFile(io.BytesIO(data)) as zipped:
        books = [info for info in zipped.infolist() if info.filename.lower().endswith(".fb2")]
        if len(books) != 1 or books[0].file_size > MAX_BYTES:
            raise Unreadable(f"it is a zip of {len(books)} books: call it .zip")
        file.mended.append("zip without the suffix .zip")
        return zipped.read(books[0])


def document(file: Member, root: etree._Element) -> Document:
    """Return the book. Raises Unreadable if there is no text in it."""
    notes = [body for body in root.iter("{*}body") if _is_of_notes(body)]
    texts = [root] if local(root).lower() == "fictionbook" else root.iter("{*}body")
    text = "\n\n".join(filter(None, (text_of(element, _kind) for element in texts)))
    if text:
        for body in notes:
            file.leave_out("notes left out", line_of(body))
    else:  # a book of notes alone
        text = "\n\n".join(filter(None, (text_of(body, _kind_in_notes) for body in notes)))
    if not text:
        raise Unreadable("there is no text in it")
    info = root.find(".//{*}title-info")
    return Document(file.name, text, **({} if info is None else _about(info)))


def _about(info: etree._Element) -> dict[str, Any]:
    """Read the title, the author and the year of the work (not of the edition)."""
    authors = []
    for author in info.findall("{*}author"):
        names = (line_of(author.find(f"{{*}}{part}-name")) for part in ("first", "middle", "last"))
        authors.append(" ".join(filter(None, names)) or line_of(author.find("{*}nickname")))
    date = info.find("{*}date")
    year = None if date is None else year_in(date.get("value") or "") or year_in(line_of(date))
    return {
        "title": line_of(info.find("{*}book-title")) or None,
        "author": ", ".join(filter(None, authors)) or None,
        "year": year,
    }


def _is_of_notes(body: etree._Element) -> bool:
    return (body.get("name") or "").lower() in NOTE_BODIES


def _kind(element: etree._Element, name: str) -> Kind:
    if name == "body" and _is_of_notes(element):
        return Kind.HIDDEN
    return _kind_in_notes(element, name)


def _kind_in_notes(element: etree._Element, name: str) -> Kind:
    if name in PARAGRAPHS:
        around = element.getparent()
        is_line = around is not None and local(around).lower() in LINE_GROUPS
        return Kind.LINE if is_line else Kind.BLOCK
    if name == "a" and _is_reference(element):
        return Kind.HIDDEN
    return _KINDS.get(name, Kind.INLINE)


def _is_reference(element: etree._Element) -> bool:
    """Whether it is a reference to a note: marked so, or a number that links into the book."""
    if short_text(element) is None:  # a tag that is not closed
        return False
    target = next((value for name, value in element.attrib.items() if name.endswith("href")), "")
    return element.get("type") == "note" or is_numbered_link(element, target)
