"""Web pages, and the pages of an EPUB: the visible text, in paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from femtogpt.sources.archives import Member, letters_in
from femtogpt.sources.base import Document
from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.formats.flow import Kind, is_numbered_link, line_of, text_of
from femtogpt.sources.formats.menus import without_menus
from femtogpt.sources.formats.text import decoded
from femtogpt.sources.formats.xml import local, parse

SUFFIXES = (".html", ".htm", ".xhtml", ".xht", ".shtml", ".shtm")
_KINDS = {
    **dict.fromkeys(("br", "li", "dt", "dd", "tr", "caption", "option"), Kind.LINE),
    **dict.fromkeys(
        (
            *("address", "article", "blockquote", "body", "center", "div", "dl", "fieldset"),
            *("details", "figcaption", "figure", "form", "h1", "h2", "h3", "h4", "h5", "h6"),
            *("header", "hr", "main", "ol", "p", "section", "summary", "table", "ul"),
        ),
        Kind.BLOCK,
    ),
    **dict.fromkeys(
        (
            *("aside", "audio", "button", "canvas", "footer", "head", "iframe", "input", "math"),
            *("nav", "noscript", "object", "script", "select", "style", "svg", "template"),
            *("textarea", "title", "video"),
        ),
        Kind.HIDDEN,
    ),
    **dict.fromkeys(("pre", "xmp", "plaintext", "listing"), Kind.VERBATIM),
    **dict.fromkeys(("td", "th"), Kind.CELL),
    **{"sup": Kind.RAISED, "sub": Kind.LOWERED},
}
_TOLD = {"math": "formulas", "svg": "drawings", "aside": "asides", "footer": "footers"}
NOTE_TYPES = re.compile(
    r"\b(doc-)?(footnotes?|endnotes?|rearnotes?|noteref|note|toc|landmarks|page-list|pagebreak)\b"
)
_NOTES = re.compile(r"\b(?:doc-)?(?:foot|end|rear)?notes?\b")
_TYPE_ATTRIBUTES = ("{http://www.idpf.org/2007/ops}type", "epub:type", "role")
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_XHTML = "http://www.w3.org/1999/xhtml"
_SELF_CLOSED = re.compile(
    r"(?i)<(?!(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)\b)"
    r"([a-z][\w:.-]*+)([^<>]*+)(?<=/)>"
)
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def read(file: Member, settings: Any) -> Iterator[Document]:
    """Yield a page, or its marked main part if that has most of it, with title, author, address."""
    yield document(file, page(decoded(file), file.mended))


def document(file: Member, root: etree._Element) -> Document:
    """Return a page without the menus of its site. Raises Unreadable if there is no text in it."""
    author = root.xpath("string(//*[local-name()='meta'][@name='author']/@content)")
    title = root.xpath("string(//*[local-name()='title'][1])")
    address = root.xpath("string(//*[local-name()='link'][@rel='canonical']/@href)")
    if without_menus(root, kind_of):
        file.mended.append("menus left out")
    main, text = _main_part(file, root)
    for kind, words in left_out(main).items():
        file.leave_out(kind, words)
    if not text:
        raise Unreadable("there is no text in it")
    return Document(
        file.name,
        text,
        title=" ".join(title.split()) or None,
        author=" ".join(author.split()) or None,
        url=address or None,
    )


def _main_part(file: Member, root: etree._Element) -> tuple[etree._Element, str]:
    """Return the only <main> or <article>, if half of the page's letters are in it, or the page."""
    everything = text_of(root, kind_of)
    parts = [element for element in root.iter() if local(element) in ("main", "article")]
    if len(parts) != 1:
        return root, everything
    text = text_of(parts[0], kind_of)
    if 2 * letters_in(text) < letters_in(everything):
        return root, everything
    if letters_in(text) < letters_in(everything):
        file.leave_out("text outside of the main part left out", everything, text)
    return parts[0], text


def left_out(root: etree._Element) -> dict[str, str]:
    """What with words in it a page has that its text leaves out, by kind."""
    found: dict[str, list[str]] = {}
    walker = etree.iterwalk(root, events=("start",))
    for _, element in walker:
        kind = _told(element, local(element).lower())
        if kind and (words := line_of(element)):
            found.setdefault(f"{kind} left out", []).append(words)
            walker.skip_subtree()
    return {kind: " ".join(words) for kind, words in sorted(found.items())}


def _told(element: etree._Element, name: str) -> str | None:
    """What an element is that is left out and told; None for references to notes and lists."""
    types = " ".join(element.get(kind, "") for kind in _TYPE_ATTRIBUTES)
    if NOTE_TYPES.search(types):
        return "notes" if _NOTES.search(types) else None
    return _TOLD.get(name)


def _is_note(element: etree._Element) -> bool:
    return any(NOTE_TYPES.search(element.get(kind, "")) for kind in _TYPE_ATTRIBUTES)


def page(text: str, mended: list[str]) -> etree._Element:
    """Return the root of a page in XHTML or HTML. Raises Unreadable if there is none."""
    if _DECLARATION.match(text) or _XHTML in text[:2000]:
        try:  # by the rules of HTML a <title/> would swallow the page
            return parse(text, mended, tags=False)
        except Unreadable:
            text = _as_html(text)
    text = _without_open_comment(text, mended)
    try:
        parser = lxml_html.HTMLParser(encoding="utf-8", huge_tree=True)
        text = _CONTROLS.sub("", _DECLARATION.sub("", text, count=1))
        return lxml_html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except etree.ParserError as error:
        raise Unreadable("it contains no page") from error


def _without_open_comment(text: str, mended: list[str]) -> str:
    """Remove the beginning of a comment that does not end: it would hide the rest of the page."""
    end = max(text.rfind("-->"), text.rfind("--!>"), 0)
    if text.find("<!--", end) < 0:
        return text
    mended.append("comments not closed")
    return text[:end] + text[end:].replace("<!--", "")


def _as_html(text: str) -> str:
    """Write what only XML has, elements closed in their start tag and CDATA, as HTML."""
    parts = []
    position = 0
    while (at := text.find("<![CDATA[", position)) >= 0 and (end := text.find("]]>", at)) >= 0:
        parts += [text[position:at], escape(text[at + 9 : end])]
        position = end + 3
    return _SELF_CLOSED.sub(r"<\1\2></\1>", "".join([*parts, text[position:]]))


def kind_of(element: etree._Element, name: str) -> Kind:
    """How an element stands in the text; code, menus, notes and references to them are hidden."""
    if "hidden" in element.attrib:
        return Kind.HIDDEN
    if _is_note(element):
        return Kind.HIDDEN
    if name == "a" and "href" in element.attrib and is_numbered_link(element, element.get("href")):
        return Kind.HIDDEN
    return _KINDS.get(name, Kind.INLINE)
