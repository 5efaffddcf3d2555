"""XML of books, with small mistakes repaired."""

from __future__ import annotations

import re
from html import escape
from html.entities import html5

from lxml import etree

from femtogpt.sources.compressed import Unreadable

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NAMED = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]*;)")
_BARE = re.compile(r"<!\[CDATA\[.*?\]\]>|&(?!#?\w+;)|<(?![A-Za-z_/!?])", re.DOTALL)


def parse(text: str) -> etree._Element:
    """Return the root element. Raises Unreadable if the XML is damaged or cut off.

    Unescaped ``&`` and ``<`` and the entities of HTML are repaired. Anything else, such as an
    unclosed tag, would be guesswork: libxml2's recovery joins the paragraphs that follow and drops
    what it cannot place.
    """
    fault = ""
    for repair in (str, _repaired):
        # Entities are not resolved: a small file could expand into a huge text.
        parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, huge_tree=True)
        try:
            root = etree.fromstring(repair(text).encode(), parser)
        except etree.XMLSyntaxError as error:
            fault = f"its XML is damaged or cut off: {error.msg}"
            continue
        if next(root.iter(etree.Entity), None) is None:
            return root
        fault = "its XML has entities of its own"
    raise Unreadable(fault)


def _repaired(text: str) -> str:
    text = _FORBIDDEN.sub("", text)
    text = _NAMED.sub(lambda match: html5.get(match[1], match[0]), text)
    return _BARE.sub(lambda match: escape(match[0]) if len(match[0]) == 1 else match[0], text)


def local(element: etree._Element) -> str:
    """Return an element's name without its namespace; empty for a comment."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
