"""EPUB: a zip of XHTML pages, read in the order of its spine.

It is read with zipfile and lxml because the maintained library, EbookLib, is under the AGPL, and
most of it is for writing. What the lists of a book say wrongly is mended from what is in the zip.
"""

from __future__ import annotations

import io
import posixpath
import re
import unicodedata
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from lxml import etree

from femtogpt.sources.archives import Member
from femtogpt.sources.base import Document
from femtogpt.sources.compressed import Unreadable, damage_as_unreadable
from femtogpt.sources.formats import html
from femtogpt.sources.formats.flow import line_of, text_of
from femtogpt.sources.formats.text import decoded_bytes
from femtogpt.sources.formats.xml import local, parse
from femtogpt.sources.info import year_in
from femtogpt.sources.member_names import zip_names, zipped_files
from femtogpt.sources.zip_salvage import salvaged

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"  # also there if only fonts are encrypted
MAX_BYTES = 1 << 29  # of all pages together, unpacked
PAGE_TYPES = {"application/xhtml+xml", "text/html", "text/x-oeb1-document", "text/xml"}
_CONTENTS = re.compile(r"(?i)(?:^|/)(?:nav|toc|contents)\.\w+$")
_ADDRESS_END = re.compile("[#?]")  # what follows is no name
SKIPPED_PARTS = {"toc", "notes", "cover", "index", "loi", "lot"}  # by their type in the guide

CUT = "damaged or cut off, its whole pages read"
ENCRYPTED = "its pages are encrypted by the shop that sold it: get a copy without protection"
MISSING = "pages missing in the archive, left out"
DAMAGED = "damaged pages left out"
UNLISTED = "pages that its list does not name, left out"
UNREAD = "pages of contents, notes or the cover left out"
OTHER_NAME = "pages found under another name"
NO_CONTAINER = "no container.xml, list of pages found without it"
NO_ORDER = "no list of pages, read in the order of their names"


def read(file: Member, settings: Any) -> Iterator[Document]:
    """Yield the book. Raises Unreadable if no page of it can be read."""
    data = file.read()
    found: list[tuple[Document, Member]] = []
    fault: Unreadable | None = None
    try:
        found.append(_book(Member(file.name, file.open), data))
    except Unreadable as error:
        fault = error
    if fault or {DAMAGED, NO_ORDER} & set(found[0][1].mended):  # the zip's directory may be wrong
        with suppress(Unreadable):
            cut = Member(file.name, file.open)
            cut.mended.append(CUT)
            found.append(_book(cut, salvaged(data, MAX_BYTES)))
    if fault and not found:
        raise fault
    document, read_so = max(found, key=lambda book: len(book[0].text))  # the first of equals
    file.mended.extend(read_so.mended)
    file.letters.update(read_so.letters)
    yield document


def _book(file: Member, data: bytes) -> tuple[Document, Member]:
    """Return the book in a zip, and the file with what was mended and left out."""
    with damage_as_unreadable(), zipfile.ZipFile(io.BytesIO(data)) as book:
        archive = _Archive(book, file)
        place, package = archive.package()
        names = [] if package is None else list(_spine(archive, package, posixpath.dirname(place)))
        if not names:
            names = [name for name in archive.pages() if not _CONTENTS.search(name)]
            file.mended.append(NO_ORDER)
        text = "\n\n".join(filter(None, map(archive.page, dict.fromkeys(names))))
    if not text:
        locked = archive.fault and ENCRYPTION in archive.present
        raise Unreadable((locked and ENCRYPTED) or archive.fault or "there is no text in it")
    return Document(file.name, text, **({} if package is None else _about(package))), file


def _about(package: etree._Element) -> dict[str, Any]:
    creators = package.findall("{*}metadata//{*}creator")
    dates = [year_in(line_of(date)) for date in package.findall("{*}metadata//{*}date")]
    return {
        "title": line_of(package.find("{*}metadata//{*}title")) or None,
        "author": ", ".join(filter(None, map(line_of, creators))) or None,
        "year": min(filter(None, dates), default=None),  # later ones are of editions
    }


def _spine(archive: _Archive, package: etree._Element, folder: str) -> Iterator[str]:
    """Yield the names, within the zip, of the pages of text, in order."""
    guide = {  # a reference into a page ("#") does not concern the whole page
        unquote(reference.get("href", ""))
        for reference in package.iterfind(".//{*}guide/{*}reference")
        if reference.get("type") in SKIPPED_PARTS
    }
    items = {item.get("id"): item for item in package.iterfind(".//{*}manifest/{*}item")}
    references = [
        reference.get("idref")
        for reference in package.iterfind(".//{*}spine/{*}itemref")
        if reference.get("linear") != "no"
    ]
    read = set()
    for id in references or items:
        item = items.get(id)
        if item is not None and not _is_page(item):
            continue
        address = "" if item is None else item.get("href", "")
        name = archive.find(folder, address)
        if name is None:
            archive.file.mended.append(MISSING)
        elif unquote(address) not in guide:
            if name != archive.joined(folder, address):
                archive.file.mended.append(OTHER_NAME)
            read.add(name)
            yield name
    listed = {archive.find(folder, item.get("href", "")) for item in items.values()}
    pages = set(archive.pages())
    for kind, names in ((UNLISTED, pages - listed), (UNREAD, pages & listed - read)):
        for name in sorted(names):
            archive.file.leave_out(kind, archive.words(name))


def _is_page(item: etree._Element) -> bool:
    """Whether an item of the manifest is a page of text."""
    if "nav" in item.get("properties", "").split():
        return False
    href = item.get("href", "").partition("#")[0].lower()
    return item.get("media-type") in PAGE_TYPES or href.endswith(html.SUFFIXES)


class _Archive:
    """The files of the zip, by their names and by what the book's lists call them."""

    def __init__(self, book: zipfile.ZipFile, file: Member):
        """``file`` gets what is mended and left out."""
        self.book, self.file = book, file
        self.fault = ""  # of the first page that cannot be read
        self.bytes_left = MAX_BYTES
        files = zipped_files(book)
        self.names = [info.filename for info in files]
        self.present = set(self.names)
        self.by_key = {_key(info.filename): info.filename for info in reversed(files)}
        for info, name in zip(files, zip_names(book, files), strict=True):  # as it was meant
            self.by_key.setdefault(_key(name), info.filename)
        self.by_base: dict[str, list[str]] = defaultdict(list)
        for name in self.names:
            self.by_base[_key(posixpath.basename(name))].append(name)

    def joined(self, folder: str, href: str) -> str:
        """The name that an address in a list stands for, if the list is right."""
        return posixpath.normpath(posixpath.join(folder, unquote(href)))

    def find(self, folder: str, href: str) -> str | None:
        """Return the name of the file that an address in a list means; None if there is none."""
        if not href:
            return None
        for address in (unquote(href), href, unquote(_ADDRESS_END.split(href)[0])):
            address = address.replace("\\", "/")
            for place in (
                posixpath.join(folder, address),
                posixpath.join(folder, "." + address),
                address.lstrip("/"),
            ):
                name = posixpath.normpath(place)
                if name in self.present:
                    return name
                if found := self.by_key.get(_key(name)):
                    return found
        alike = self.by_base[_key(posixpath.basename(unquote(_ADDRESS_END.split(href)[0])))]
        return alike[0] if len(alike) == 1 else None

    def package(self) -> tuple[str, etree._Element | None]:
        """Return the list of the book's pages, and its name; None if there is none."""
        places = []
        with suppress(Unreadable, KeyError):
            container = self._xml(CONTAINER)
            path = container.xpath("string(//*[local-name()='rootfile']/@full-path)")
            places = [self.find("", path)]
        candidates = sorted(
            (name for name in self.names if name.lower().endswith(".opf")),
            key=lambda name: (name.count("/"), name),
        )
        for place in filter(None, [*places, *candidates]):
            with suppress(Unreadable, KeyError):
                package = self._xml(place)
                if local(package).lower() == "package":
                    if place not in places:
                        self.file.mended.append(NO_CONTAINER)
                    return place, package
        return "", None

    def pages(self) -> list[str]:
        """The names of all pages, with the numbers in them in order."""
        pages = [name for name in self.names if name.lower().endswith(html.SUFFIXES)]
        return sorted(pages, key=_numbers_in_order)

    def page(self, name: str) -> str:
        """Return the text of a page; empty, and noted, if it cannot be read."""
        try:
            mended = self.file.mended
            root = html.page(decoded_bytes(self._bytes(name), mended), mended)
        except Unreadable as error:
            self.fault = self.fault or f"its page {name}: {error}"
            self.file.mended.append(DAMAGED)
            return ""
        for kind, words in html.left_out(root).items():
            self.file.leave_out(kind, words)
        return text_of(root, html.kind_of)

    def words(self, name: str) -> str:
        """Return all text of a page that is not read; empty if it is damaged."""
        try:
            root = html.page(decoded_bytes(self._bytes(name), []), [])
        except Unreadable:
            return ""
        body = root.find(".//{*}body")
        return line_of(root if body is None else body)

    def _xml(self, name: str) -> etree._Element:
        return parse(decoded_bytes(self._bytes(name), self.file.mended), self.file.mended)

    def _bytes(self, name: str) -> bytes:
        with damage_as_unreadable():
            self.bytes_left -= self.book.getinfo(name).file_size
            if self.bytes_left < 0:
                raise Unreadable(f"its pages have more than {MAX_BYTES:,} bytes")
            return self.book.read(name)


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _numbers_in_order(name: str) -> list[tuple[int, str]]:
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d{1,9})", name)
    ]
