"""EPUB: a zip of XHTML pages, read in the order of its spine.

With zipfile and lxml: the library for it that is kept, EbookLib, is under the AGPL, and most of it
is for writing.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from lxml import etree

from femtogpt.sources.archives import Member, Unreadable
from femtogpt.sources.base import Document
from femtogpt.sources.compressed import telling_damage
from femtogpt.sources.formats.html import page, text_of
from femtogpt.sources.formats.text import decoded
from femtogpt.sources.formats.xml import parse
from femtogpt.sources.info import year_in

PAGES = ("application/xhtml+xml", "text/html")
LEFT_OUT = {"toc", "notes", "cover", "index", "loi", "lot"}  # parts by their kind in the guide


def read(member: Member, settings: Any) -> Iterator[Document]:
    """The book's pages; Unreadable where one is missing or locked."""
    with telling_damage(), zipfile.ZipFile(io.BytesIO(member.read())) as book:
        container = _xml(book, "META-INF/container.xml")
        place = container.xpath("string(//*[local-name()='rootfile']/@full-path)")
        package = _xml(book, place)
        pages = (_page(book, name) for name in _spine(package, posixpath.dirname(place)))
        text = "\n\n".join(filter(None, pages))
    creators = package.findall("{*}metadata/{*}creator")
    dates = [year_in("".join(date.itertext())) for date in package.findall("{*}metadata/{*}date")]
    yield Document(
        member.name,
        text,
        title=_line(package.find("{*}metadata/{*}title")) or None,
        author=", ".join(filter(None, map(_line, creators))) or None,
        year=min(filter(None, dates), default=None),  # later ones are of editions
    )


def _spine(package: etree._Element, folder: str) -> Iterator[str]:
    """The names in the zip of the pages that are text, in order."""
    guide = {  # an address within a page ("#") says nothing of the whole page
        unquote(reference.get("href", ""))
        for reference in package.findall("{*}guide/{*}reference")
        if reference.get("type") in LEFT_OUT
    }
    items = {item.get("id"): item for item in package.findall("{*}manifest/{*}item")}
    for reference in package.findall("{*}spine/{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None:
            raise Unreadable(f"its page {reference.get('idref')!r} is missing")
        href = unquote(item.get("href", ""))
        if (
            item.get("media-type") in PAGES
            and reference.get("linear") != "no"
            and "nav" not in item.get("properties", "").split()
            and href not in guide
        ):
            yield posixpath.normpath(posixpath.join(folder, href))


def _page(book: zipfile.ZipFile, name: str) -> str:
    try:
        return text_of(page(decoded(_bytes(book, name))))
    except Unreadable as error:
        raise Unreadable(f"its page {name}: {error}") from error


def _xml(book: zipfile.ZipFile, name: str) -> etree._Element:
    return parse(decoded(_bytes(book, name)))


def _bytes(book: zipfile.ZipFile, name: str) -> bytes:
    try:
        return book.read(name)
    except KeyError as error:
        raise Unreadable(f"{name or 'its list of pages'} is missing") from error


def _line(element: etree._Element | None) -> str:
    return "" if element is None else " ".join("".join(element.itertext()).split())
