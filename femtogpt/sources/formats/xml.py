"""XML of books, small mistakes mended."""

from __future__ import annotations

import html
import re

from lxml import etree

from femtogpt.sources.archives import Unreadable

# Entities are left alone: a small file could make a huge text of them.
_OPTIONS = {"encoding": "utf-8", "resolve_entities": False, "huge_tree": True}
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NAMED = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]*;)")
_BARE = re.compile(r"<!\[CDATA\[.*?\]\]>|&(?!#?\w+;)|<(?![A-Za-z_/!?])", re.DOTALL)


def parse(text: str) -> etree._Element:
    """The root element; Unreadable where it is damaged or cut off.

    What stands for itself and should be written otherwise (``&``, ``<``) is mended, and so are
    the entities of HTML. Of the rest, as a tag that is not closed, a parser could only guess:
    libxml2's recovery runs the paragraphs that follow into one and drops what it cannot place.
    """
    why = ""
    for mend in (str, _mended):
        try:
            root = etree.fromstring(mend(text).encode(), etree.XMLParser(**_OPTIONS))
        except etree.XMLSyntaxError as error:
            why = f"its XML is damaged or cut off: {error.msg}"
            continue
        if next(root.iter(etree.Entity), None) is None:
            return root
        why = "its XML has entities of its own"
    raise Unreadable(why)


def _mended(text: str) -> str:
    text = _FORBIDDEN.sub("", text)
    text = _NAMED.sub(lambda match: html.entities.html5.get(match[1], match[0]), text)
    return _BARE.sub(lambda m: html.escape(m[0]) if len(m[0]) == 1 else m[0], text)


def local(element: etree._Element) -> str:
    """An element's name without its namespace; empty for a comment."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
