"""XML whose suffix does not say what it is: its root does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from femtogpt.sources.archives import Member
from femtogpt.sources.base import Document
from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.encodings import encoding_of
from femtogpt.sources.formats import fb2, html, tei
from femtogpt.sources.formats.text import decoded
from femtogpt.sources.formats.xml import local, parse

HEAD_BYTES = 1 << 14
_WIKI = re.compile(r"<mediawiki[\s>]")


def read(file: Member, settings: Any) -> Iterator[Document]:
    """Yield the texts of TEI, a FictionBook or a page. Raises Unreadable for other XML."""
    with file.open() as stream:
        head = stream.read(HEAD_BYTES)
    encoding = encoding_of(head)
    if encoding and _WIKI.search(head.decode(encoding, "replace")):  # perhaps of many gigabytes
        raise Unreadable("it is a wiki's dump: read it as a source of kind wiki")
    yield from documents(file, parse(decoded(file), file.mended))


def documents(file: Member, root: etree._Element) -> Iterator[Document]:
    """Yield the texts below a root. Raises Unreadable if it is none of those known."""
    name = local(root).lower()
    if name in tei.ROOTS:
        yield from tei.documents(file, root)
    elif name == "fictionbook":
        yield fb2.document(file, root)
    elif name == "html":
        yield html.document(file, root)
    else:
        raise Unreadable(f"it is XML with the root {local(root)!r}: neither TEI nor a book or page")
