"""Web pages, and the pages of an EPUB: the text that a reader sees, in paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from femtogpt.sources.archives import Member, Unreadable
from femtogpt.sources.base import Document
from femtogpt.sources.formats.text import decoded
from femtogpt.sources.formats.xml import local, parse

LINES = {"br", "li", "dt", "dd", "tr", "caption", "option"}  # on a line of their own
BLOCKS = {  # parted by an empty line
    *("address", "article", "blockquote", "body", "center", "div", "dl", "fieldset", "figcaption"),
    *("figure", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "ol", "p", "pre"),
    *("section", "table", "ul"),
}
HIDDEN = {
    *("aside", "audio", "button", "canvas", "footer", "form", "head", "iframe", "input", "math"),
    *("nav", "noscript", "object", "script", "select", "style", "svg", "template", "textarea"),
    *("title", "video"),
}
NOTES = re.compile(
    r"\b(doc-)?(footnotes?|endnotes?|rearnotes?|noteref|note|toc|landmarks|page-list|pagebreak)\b"
)
_TYPES = ("{http://www.idpf.org/2007/ops}type", "epub:type", "role")
NUMBER = re.compile(r"\W*(\d{1,4}|\*+|[ivxlc]{1,5})\W*")  # of a note
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")


def read(member: Member, settings: Any) -> Iterator[Document]:
    """A page: its main part if it says which that is, with its title, author and address."""
    root = page(decoded(member.read()))
    parts = [element for element in root.iter() if local(element) in ("main", "article")]
    author = root.xpath("string(//*[local-name()='meta'][@name='author']/@content)")
    title = root.xpath("string(//*[local-name()='title'][1])")
    address = root.xpath("string(//*[local-name()='link'][@rel='canonical']/@href)")
    yield Document(
        member.name,
        text_of(parts[0] if len(parts) == 1 else root),
        title=" ".join(title.split()) or None,
        author=" ".join(author.split()) or None,
        url=address or None,
    )


def page(text: str) -> etree._Element:
    """The root of a page, XHTML or HTML; Unreadable where there is none."""
    if _DECLARATION.match(text) or "http://www.w3.org/1999/xhtml" in text[:2000]:
        try:  # in HTML's rules a <title/> would swallow the page
            return parse(text)
        except Unreadable:
            pass
    try:
        parser = lxml_html.HTMLParser(encoding="utf-8", huge_tree=True)
        return lxml_html.document_fromstring(_DECLARATION.sub("", text).encode(), parser=parser)
    except etree.ParserError as error:
        raise Unreadable("there is no page in it") from error


def text_of(root: etree._Element) -> str:
    """What a reader sees, without notes: blocks parted by empty lines, verse in its lines."""
    lines: list[str] = []
    pieces: list[str] = []
    verbatim = 0  # how many <pre> we are in

    def add(text: str | None) -> None:
        if text:
            pieces.append(text)

    def end_line() -> None:
        line = "".join(pieces)
        pieces.clear()
        if verbatim:
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
            if name in LINES or name in BLOCKS:
                end_line()
            if name in BLOCKS:
                lines.append("")
            verbatim += name == "pre"
            if name in ("td", "th"):
                add(" ")
            add(element.text)
            continue
        if event == "end" and not _is_hidden(element, name):
            if name in LINES or name in BLOCKS:
                end_line()
            if name in BLOCKS:
                lines.append("")
            verbatim -= name == "pre"
        if element is not root:
            add(element.tail)
    end_line()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _is_hidden(element: etree._Element, name: str) -> bool:
    """Whether it is no part of the text: code, menus, notes, references to notes."""
    if name in HIDDEN or "hidden" in element.attrib:
        return True
    if any(NOTES.search(element.get(kind, "")) for kind in _TYPES):
        return True
    if name == "a" and "#" in element.get("href", ""):
        return bool(NUMBER.fullmatch("".join(element.itertext())))
    return False
