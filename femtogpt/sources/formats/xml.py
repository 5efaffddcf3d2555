"""XML of books: parsed strictly and, where that fails, after a repair."""

from __future__ import annotations

from lxml import etree

from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.formats.xml_repair import repaired, with_valid_text


def parse(text: str, mended: list[str], tags: bool = True) -> etree._Element:
    """Return the root element; append to ``mended`` what was wrong with the XML.

    ``tags``: also those that are not closed, and the like, are repaired. Raises Unreadable if
    there is no element, if a repair is not enough, and if libxml2 finds it too deep.
    """
    fault = ""
    for repair in (_as_it_is, with_valid_text, *([repaired] if tags else [])):
        faults: list[str] = []
        try:
            root = _parsed(repair(text, faults))
        except etree.XMLSyntaxError as error:
            fault = f"its XML is damaged: {error.msg}"
            continue
        if next(root.iter(etree.Entity), None) is None:
            mended.extend(faults)
            return root
        fault = "its XML has entities of its own"
    raise Unreadable(fault)


def _as_it_is(text: str, faults: list[str]) -> str:
    return text


def _parsed(text: str) -> etree._Element:
    """Parse well-formed XML. Entities are not resolved: a small file could become a huge text."""
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, huge_tree=True
    )
    return etree.fromstring(text.encode("utf-8", "replace"), parser)


def local(element: etree._Element) -> str:
    """Return an element's name without its namespace; empty for a comment."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
