"""EPUB: a zip of XHTML pages, read in the order of its spine.

It is read with zipfile and lxml because the maintained library, EbookLib, is under the AGPL, and
most of it is for writing.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from lxml import etree

from femtogpt.sources.archives import Member
from femtogpt.sources.base import Document
from femtogpt.sources.compressed import Unreadable, damage_as_unreadable
from femtogpt.sources.formats.html import page, text_of
from femtogpt.sources.formats.text import decoded
from femtogpt.sources.formats.xml import parse
from femtogpt.sources.info import year_in

PAGE_TYPES = ("application/xhtml+xml", "text/html")
SKIPPED_PARTS = {"toc", "notes", "cover", "index", "loi", "lot"}  # by their type in the guide


def read(file: Member, settings: Any) -> Iterator[Document]:
    """Yield the book. Raises Unreadable if a page is missing or locked."""
    with damage_as_unreadable(), zipfile.ZipFile(io.BytesIO(file.read())) as book:
        container = _xml(book, "META-INF/container.xml")
        path = container.xpath("string(//*[local-name()='rootfile']/@full-path)")
        package = _xml(book, path)
        pages = (_page(book, name) for name in _spine(package, posixpath.dirname(path)))
        text = "\n\n".join(filter(None, pages))
    creators = package.findall("{*}metadata/{*}creator")
    dates = [year_in("".join(date.itertext())) for date in package.findall("{*}metadata/{*}date")]
    yield Document(
        file.name,
        text,
        title=_line(package.find("{*}metadata/{*}title")) or None,
        author=", ".join(filter(None, map(_line, creators))) or None,
        year=min(filter(None, dates), default=None),  # later ones are of editions
    )


def _spine(package: etree._Element, folder: str) -> Iterator[str]:
    """Yield the names, within the zip, of the pages of text, in order."""
    guide = {  # a reference into a page ("#") does not concern the whole page
        unquote(reference.get("href", ""))
        for reference in package.findall("{*}guide/{*}reference")
        if reference.get("type") in SKIPPED_PARTS
    }
    items = {item.get("id"): item for item in package.findall("{*}manifest/{*}item")}
    for reference in package.findall("{*}spine/{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None:
            raise Unreadable(f"its page {reference.get('idref')!r} is missing")
        href = unquote(item.get("href", ""))
        if (
            item.get("media-type") in PAGE_TYPES
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
