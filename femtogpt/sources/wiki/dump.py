"""The pages of a MediaWiki XML dump, from its bytes, one at a time.

The dump is cut at its page tags and not parsed as a whole: so whole pages are found in one that
is cut off or damaged, other processes can parse them, and memory holds one page at a time. In
UTF-8, which all else is turned into, no other text can look like those tags.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterable, Iterator

from femtogpt.errors import UserError
from femtogpt.sources.encodings import BYTE_ORDER_MARKS
from femtogpt.sources.wiki.site import Site, site_in

HEAD = 1 << 20  # bytes in which the first page must come
LONGEST = 64 << 20  # bytes of a page, but for its older revisions
SPARE = 4 << 20  # bytes of an unfinished page after which its older revisions go
_START, _END, _LAST = b"<page>", b"</page>", b"</mediawiki>"
_NAMESPACE = re.compile(rb"<ns>\s*(-?\d+)\s*</ns>")
_TITLE = re.compile(rb"<title>(.*?)</title>", re.DOTALL)
_REVISION = re.compile(rb"<revision>.*?</revision>", re.DOTALL)
_TIMESTAMP = re.compile(rb"<timestamp>(.*?)</timestamp>")
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([\w.:-]+)")


class Dump:
    """A dump that is read once, from the beginning."""

    def __init__(self, chunks: Iterable[bytes], name: str):
        """Reads up to the first page. UserError where this is no dump."""
        self._chunks = in_utf_8(chunks, name)
        self._data = bytearray()
        self.last_title: str | None = None  # of the last whole page
        self.is_whole = False  # whether its end was found
        while _START not in self._data and _LAST not in self._data and len(self._data) < HEAD:
            if not self._more():
                break
        if re.search(rb"<mediawiki[\s>]", self._data[:HEAD]) is None:
            raise UserError(
                f"{name} is not a MediaWiki dump: it does not begin with <mediawiki>;"
                " remove it, or get pages-articles.xml.bz2 from https://dumps.wikimedia.org"
            )
        start = self._data.find(_START)
        head = self._data[: start if start >= 0 else len(self._data)]
        self.site: Site = site_in(head.decode("utf-8", "replace"))

    def _more(self) -> bool:
        chunk = next(self._chunks, b"")
        self._data += chunk
        return bool(chunk)

    def pages(self) -> Iterator[bytes]:
        """The pages that may be articles: <page>…</page> in UTF-8, the newest revision in each.

        One that has no end before the next page, or within LONGEST, comes without </page>.
        """
        looked, limit = 0, SPARE
        while True:
            end = self._data.find(_END, looked)
            if end >= 0:
                end += len(_END)
                yield from self._cut(bytes(self._data[:end]))
                del self._data[:end]
                looked, limit = 0, SPARE
                continue
            looked = max(0, len(self._data) - len(_END))
            if len(self._data) > limit:
                yield from self._shorten()
                looked, limit = 0, len(self._data) + SPARE
            if not self._more():
                break
        self.is_whole = _LAST in self._data

    def _cut(self, data: bytes) -> Iterator[bytes]:
        *broken, page = data.split(_START)[1:] or [b""]
        for part in broken:
            yield _START + part
        if page:
            title = _TITLE.search(page)
            self.last_title = html.unescape(title[1].decode("utf-8", "replace")) if title else ""
            if _may_be_article(page):
                yield _START + newest_revision_only(page)

    def _shorten(self) -> Iterator[bytes]:
        """Make an unfinished page shorter, or give it up; drop what is outside of pages."""
        start = self._data.find(_START)
        page = newest_revision_only(bytes(self._data[start:])) if start >= 0 else b""
        if len(page) > LONGEST:
            yield page[:HEAD]
            page = b""
        self._data = bytearray(page) if page else self._data[-len(_LAST) :]


def newest_revision_only(page: bytes) -> bytes:
    """The page without its older revisions; one that is not finished stays too."""
    if page.count(b"<revision>") < 2:
        return page
    first = last = newest = None
    newest_time = b""
    for count, revision in enumerate(_REVISION.finditer(page)):
        first, last = (revision if count == 0 else first), revision
        time = _TIMESTAMP.search(revision[0])
        if newest is None or (time[1] if time else b"") >= newest_time:
            newest, newest_time = revision, time[1] if time else b""
    if first is None or first is last:
        return page
    return page[: first.start()] + newest[0] + page[last.end() :]


def _may_be_article(page: bytes) -> bool:
    """Whether what comes before the text says of no other namespace and of no redirect."""
    head = page[: max(0, page.find(b"<revision>"))] or page[:4000]
    namespace = _NAMESPACE.search(head)
    return (namespace is None or int(namespace[1]) == 0) and b"<redirect" not in head


def in_utf_8(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """The bytes in UTF-8, whatever their mark or XML declaration says that they are in."""
    chunks = iter(chunks)
    head = b""
    while len(head) < 1000 and (chunk := next(chunks, b"")):
        head += chunk
    encoding = _encoding(head)
    try:
        b"".decode(encoding)
        decoder = codecs.getincrementaldecoder(encoding)("replace")
    except LookupError as error:
        raise UserError(f"{name} is in an unknown encoding, {encoding}: convert it") from error
    if codecs.lookup(encoding).name == "utf-8":
        yield head
        yield from chunks
        return
    yield decoder.decode(head).encode("utf-8", "replace")
    for chunk in chunks:
        if text := decoder.decode(chunk):
            yield text.encode("utf-8", "replace")


def _encoding(head: bytes) -> str:
    for mark, encoding in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding
    for beginning, encoding in ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be")):
        if head.startswith(beginning):
            return encoding
    declared = _DECLARED.search(head)
    # Where the declaration itself can be read in ASCII, it is no wide encoding.
    if declared is None or declared[1].lower().startswith((b"utf-16", b"utf-32", b"ucs")):
        return "utf-8"
    return declared[1].decode()
