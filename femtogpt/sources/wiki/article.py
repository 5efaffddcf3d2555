"""Turns pages of a dump into documents; this is the work of the worker processes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree

from femtogpt.sources.base import Document
from femtogpt.sources.wiki.page_kinds import is_disambiguation, is_list, is_redirect
from femtogpt.sources.wiki.site import Site
from femtogpt.sources.wiki.wikitext import article_text

LICENCE = "CC BY-SA 4.0"
_ID = re.compile(rb"<id>\s*(\d+)\s*</id>")
_TITLE = re.compile(rb"<title>(.*?)</title>", re.DOTALL)


@dataclass(frozen=True)
class Choice:
    """Which optional parts of a wiki to read."""

    lists: bool = False  # articles that list other articles
    references: bool = False  # sections of references

    def takes(self, title: str, wikitext: str = "") -> bool:
        """Whether to read this article: no disambiguation page, and a list only if chosen."""
        return (self.lists or not is_list(title)) and not is_disambiguation(title, wikitext)


def articles(pages: Iterable[bytes], site: Site, choice: Choice) -> list[Document]:
    """Read the articles among pages: <page>…</page> in UTF-8.

    An unreadable page becomes a document with its fault.
    """
    documents = (article(page, site, choice) for page in pages)
    return [document for document in documents if document is not None]


def article(page: bytes, site: Site, choice: Choice) -> Document | None:
    """Read the article on a page; None if the page is not an article to read."""
    if not page.endswith(b"</page>"):
        return _faulty(page, "the dump is damaged within this page")
    try:
        tree = ElementTree.fromstring(page)
    except ElementTree.ParseError as error:
        return _faulty(page, f"its XML is broken: {error}")
    title = tree.findtext("title") or ""
    number = (tree.findtext("id") or "").strip()
    wikitext = tree.findtext("revision/text") or ""
    model = tree.findtext("revision/model") or "wikitext"
    if model != "wikitext" or not _in_main_namespace(tree, title, site) or is_redirect(wikitext):
        return None
    if not choice.takes(title, wikitext):
        return None
    text, fault = plain_text(wikitext, title, site, choice)
    return Document(number, text, title, url=site.url(title), licence=LICENCE, fault=fault)


def _in_main_namespace(tree: ElementTree.Element, title: str, site: Site) -> bool:
    if tree.find("redirect") is not None:
        return False
    namespace = tree.findtext("ns")
    return site.is_article(title) if namespace is None else namespace.strip() == "0"


def plain_text(wikitext: str, title: str, site: Site, choice: Choice) -> tuple[str, str | None]:
    """Return the text and, if it cannot be read, the fault: one bad page must not stop the rest."""
    try:
        return article_text(wikitext, title, site, choice.references), None
    except Exception as error:
        return "", f"its wikitext cannot be read: {type(error).__name__}: {error}".strip()


def _faulty(page: bytes, fault: str) -> Document:
    number, title = _ID.search(page), _TITLE.search(page)
    return Document(
        id=number[1].decode() if number else "",
        text="",
        title=title[1].decode("utf-8", "replace") if title else None,
        licence=LICENCE,
        fault=fault,
    )
