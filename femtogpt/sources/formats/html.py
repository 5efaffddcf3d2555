"""Web pages, and the pages of an EPUB: the visible text, in paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from femtogpt.sources.archives import Member
from femtogpt.sources.base import Document
from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.formats.text import decoded
from femtogpt.sources.formats.xml import local, parse

LINE_ELEMENTS = {"br", "li", "dt", "dd", "tr", "caption", "option"}  # on a line of their own
BLOCK_ELEMENTS = {  # separated by an empty line
    *("address", "article", "blockquote", "body", "center", "div", "dl", "fieldset", "figcaption"),
    *("figure", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "ol", "p", "pre"),
    *("section", "table", "ul"),
}
HIDDEN_ELEMENTS = {
    *("aside", "audio", "button", "canvas", "footer", "form", "head", "iframe", "input", "math"),
    *("nav", "noscript", "object", "script", "select", "style", "svg", "template", "textarea"),
    *("title", "video"),
}
NOTE_TYPES = re.compile(
    r"\b(doc-)?(footnotes?|endnotes?|rearnotes?|noteref|note|toc|landmarks|page-list|pagebreak)\b"
)
_TYPE_ATTRIBUTES = ("{http://www.idpf.org/2007/ops}type", "epub:type", "role")
NOTE_NUMBER = re.compile(r"\W*(\d{1,4}|\*+|[ivxlc]{1,5})\W*")
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")


def read(file: Member, settings: Any) -> Iterator[Document]:
    """Yield a page, or its main part if that is marked, with its title, author and address."""
    root = page(decoded(file.read()))
    parts = [element for element in root.iter() if local(element) in ("main", "article")]
    author = root.xpath("string(//*[local-name()='meta'][@name='author']/@content)")
    title = root.xpath("string(//*[local-name()='title'][1])")
    address = root.xpath("string(//*[local-name()='link'][@rel='canonical']/@href)")
    yield Document(
        file.name,
        text_of(parts[0] if len(parts) == 1 else root),
        title=" ".join(title.split()) or None,
        author=" ".join(author.split()) or None,
        url=address or None,
    )


def page(text: str) -> etree._Element:
    """Return the root of a page in XHTML or HTML. Raises Unreadable if there is none."""
    if _DECLARATION.match(text) or "http://www.w3.org/1999/xhtml" in text[:2000]:
        try:  # by the rules of HTML a <title/> would swallow the page
            return parse(text)
        except Unreadable:
            pass
    try:
        parser = lxml_html.HTMLParser(encoding="utf-8", huge_tree=True)
        return lxml_html.document_fromstring(_DECLARATION.sub("", text).encode(), parser=parser)
    except etree.ParserError as error:
        raise Unreadable("it contains no page") from error


def text_of(root: etree._Element) -> str:
    """Return the visible text without notes: empty lines between blocks, verse line by line."""
    lines: list[str] = []
    pieces: list[str] = []
    open_pres = 0  # <pre> elements around the current one

    def add(text: str | None) -> None:
        if text:
            pieces.append(text)

    def end_line() -> None:
        line = "".join(pieces)
        pieces.clear()
        if open_pres:
            lines.extend(line.split("\n"))
        elif words := line.split():
            lines.append(" ".join(words))

    walker = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, element in walker:
        name = local(element).lower()
        if event == "start":
            if _is_hidden(element, name):
                walker.skip_subtree()
                continue
            if name in LINE_ELEMENTS or name in BLOCK_ELEMENTS:
                end_line()
            if name in BLOCK_ELEMENTS:
                lines.append("")
            open_pres += name == "pre"
            if name in ("td", "th"):
                add(" ")
            add(element.text)
            continue
        if event == "end" and not _is_hidden(element, name):
            if name in LINE_ELEMENTS or name in BLOCK_ELEMENTS:
                end_line()
            if name in BLOCK_ELEMENTS:
                lines.append("")
            open_pres -= name == "pre"
        if element is not root:
            add(element.tail)
    end_line()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _is_hidden(element: etree._Element, name: str) -> bool:
    """Whether it is not part of the text: code, menus, notes, references to notes."""
    if name in HIDDEN_ELEMENTS or "hidden" in element.attrib:
        return True
    if any(NOTE_TYPES.search(element.get(kind, "")) for kind in _TYPE_ATTRIBUTES):
        return True
    if name == "a" and "#" in element.get("href", ""):
        return bool(NOTE_NUMBER.fullmatch("".join(element.itertext())))
    return False
