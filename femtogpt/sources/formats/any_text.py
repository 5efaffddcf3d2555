"""Files called .txt: plain text, and the pages and books that were saved under this name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from femtogpt.sources.archives import Member
from femtogpt.sources.base import Document
from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.formats import any_xml, html
from femtogpt.sources.formats.text import decoded
from femtogpt.sources.formats.xml import parse

HEAD_CHARACTERS = 2000
MARKUP = "a page or book in a file called .txt"
_BEFORE = r"\s*(?:<\?xml[^<>]*\?>\s*)?(?:<!--(?:(?!-->)[\s\S])*-->\s*)?"
_PAGE = re.compile(rf"(?i){_BEFORE}(?:<!doctype\s+html\b|<html[\s>])")
_BOOK = re.compile(rf"{_BEFORE}<(?:FictionBook|TEI|TEI\.2|teiCorpus)[\s>]")


def read(file: Member, settings: Any) -> Iterator[Document]:
    """Yield the text; of a page or a book, its text without the markup."""
    text = decoded(file)
    mended: list[str] = []
    found: list[Document] = []
    try:
        if _PAGE.match(text, 0, HEAD_CHARACTERS):
            found = [html.document(file, html.page(text, mended))]
        elif _BOOK.match(text, 0, HEAD_CHARACTERS):
            found = list(any_xml.documents(file, parse(text, mended)))
    except Unreadable:  # then it is text that only begins so
        found = []
    if found:
        file.mended.extend([MARKUP, *mended])
        yield from found
    else:
        yield Document(file.name, text)
