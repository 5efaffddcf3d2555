"""The pages of a MediaWiki XML dump, from its bytes, one at a time.

The dump is split at its page tags and not parsed as a whole. So the whole pages of a damaged dump
are found, other processes can parse them, and memory holds one page at a time. In UTF-8, to which
other encodings are converted, no other text can look like these tags.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from femtogpt.sources.compressed import Unsuitable
from femtogpt.sources.encodings import BYTE_ORDER_MARKS, marked
from femtogpt.sources.wiki.site import Site, site_in

MAX_HEAD_BYTES = 1 << 20  # within which the first page must begin
MAX_PAGE_BYTES = 64 << 20  # without its older revisions
SHORTEN_AFTER_BYTES = 4 << 20  # of an unfinished page: then its older revisions are dropped
_START, _END, _LAST = b"<page>", b"</page>", b"</mediawiki>"
_NAMESPACE = re.compile(rb"<ns>\s*(-?\d+)\s*</ns>")
_TITLE = re.compile(rb"<title>(.*?)</title>", re.DOTALL)
_REVISION = re.compile(rb"<revision>.*?</revision>", re.DOTALL)
_TIMESTAMP = re.compile(rb"<timestamp>(.*?)</timestamp>")
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([\w.:-]+)")


class Dump:
    """A dump that is read once, from the beginning."""

    def __init__(self, chunks: Iterable[bytes], mended: list[str]):
        """Read up to the first page. Raises Unsuitable if this is not a dump.

        ``mended`` gets what was wrong with the bytes, while they are read.
        """
        self._chunks = in_utf_8(chunks, mended)
        self._data = bytearray()
        self.last_title: str | None = None  # of the last whole page
        self.is_complete = False  # whether its end was found
        while (
            _START not in self._data
            and _LAST not in self._data
            and len(self._data) < MAX_HEAD_BYTES
        ):
            if not self._more():
                break
        if re.search(rb"<mediawiki[\s>]", self._data[:MAX_HEAD_BYTES]) is None:
            raise Unsuitable(
                "it is not a MediaWiki dump: it does not begin with <mediawiki>;"
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
        """Yield the pages that may be articles: <page>…</page> in UTF-8, with one revision each.

        A page without an end before the next one, or within MAX_PAGE_BYTES, lacks its </page>.
        """
        searched, limit = 0, SHORTEN_AFTER_BYTES
        while True:
            end = self._data.find(_END, searched)
            if end >= 0:
                end += len(_END)
                yield from self._cut(bytes(self._data[:end]))
                del self._data[:end]
                searched, limit = 0, SHORTEN_AFTER_BYTES
                continue
            searched = max(0, len(self._data) - len(_END))
            if len(self._data) > limit:
                yield from self._shorten()
                searched, limit = 0, len(self._data) + SHORTEN_AFTER_BYTES
            if not self._more():
                break
        self.is_complete = _LAST in self._data

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
        """Shorten an unfinished page, or give it up; drop what is outside of pages."""
        start = self._data.find(_START)
        page = newest_revision_only(bytes(self._data[start:])) if start >= 0 else b""
        if len(page) > MAX_PAGE_BYTES:
            yield page[:MAX_HEAD_BYTES]
            page = b""
        self._data = bytearray(page) if page else self._data[-len(_LAST) :]


def newest_revision_only(page: bytes) -> bytes:
    """Remove all but the newest revision of a page; an unfinished one is kept as well."""
    if page.count(b"<revision>") < 2:
        return page
    first: re.Match[bytes] | None = None
    newest: re.Match[bytes] | None = None
    last: re.Match[bytes] | None = None
    newest_time = b""
    for revision in _REVISION.finditer(page):
        first, last = first or revision, revision
        match = _TIMESTAMP.search(revision[0])
        time = match[1] if match else b""
        if newest is None or time >= newest_time:
            newest, newest_time = revision, time
    if first is None or newest is None or last is None or first is last:
        return page
    return page[: first.start()] + newest[0] + page[last.end() :]


def _may_be_article(page: bytes) -> bool:
    """Whether the part before the text names neither another namespace nor a redirect."""
    head = page[: max(0, page.find(b"<revision>"))] or page[:4000]
    namespace = _NAMESPACE.search(head)
    return (namespace is None or int(namespace[1]) == 0) and b"<redirect" not in head


def in_utf_8(chunks: Iterable[bytes], mended: list[str]) -> Iterator[bytes]:
    """Convert bytes to UTF-8 from the encoding of their byte order mark or XML declaration.

    In UTF-8 itself, a page with broken bytes is found when its XML is parsed.
    """
    chunks = iter(chunks)
    head = b""
    while len(head) < 1000 and (chunk := next(chunks, b"")):
        head += chunk
    encoding = _encoding(head)
    try:
        b"".decode(encoding)
        decoder = codecs.getincrementaldecoder(encoding)("replace")
    except LookupError as error:
        raise Unsuitable(f"it is in an unknown encoding, {encoding}: convert it") from error
    if codecs.lookup(encoding).name == "utf-8":
        yield head
        yield from chunks
        return
    for chunk in chain([head], chunks):
        if text := decoder.decode(chunk):
            yield marked(text, mended).encode("utf-8", "replace")


def _encoding(head: bytes) -> str:
    for mark, encoding in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding
    for beginning, encoding in ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be")):
        if head.startswith(beginning):
            return encoding
    declared = _DECLARED.search(head)
    # If the declaration itself can be read as ASCII, the encoding is not a wide one.
    if declared is None or declared[1].lower().startswith((b"utf-16", b"utf-32", b"ucs")):
        return "utf-8"
    return declared[1].decode()
