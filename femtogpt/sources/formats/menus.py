"""The menus of a web page: what of it is navigation and not text, by the page's own evidence.

A group of elements is a menu if a good part of its letters are links to other pages and nothing
in it looks like running text. Whatever has sentences, headings or much text without links stays.

Tried instead, on a page of an online library and on six small ones (verse with <br>, verse with a
<div> for each line, dialogue, <pre>, a table and a form around all): trafilatura 2.3.1 left the
menu in six of the seven, readability-lxml 0.9 in one and found no text in five.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from femtogpt.sources.formats.flow import Kind, KindOf, is_numbered_link
from femtogpt.sources.formats.xml import local

MIN_LINKED = 0.3  # share of a menu's letters that are in links
MIN_LINKS = 2
MAX_PLAIN_LETTERS = 150  # of a menu, in lines without links
SENTENCE_WORDS = 6
LINE_WORDS = 3  # in a line without links that ends like one of verse or dialogue
LINE_BEGINNING, LINE_ENDING = 200, 8  # characters in which these are looked for
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
FIELDS = {"input", "select", "textarea", "button"}
PHRASES = {  # never a group of their own
    *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "em", "i", "img"),
    *("label", "q", "s", "span", "strike", "strong", "sub", "sup", "tt", "u", "wbr", *HEADINGS),
}
_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE_END = re.compile(r"(?<!\b\w)\.|[!?…]")  # not after an initial
_LINE_END = re.compile(r"[.!?…,;—]\W{0,3}$")


@dataclass
class _Content:
    """What a group of elements contains."""

    letters: int = 0  # all characters but spaces
    linked: int = 0  # letters in links to other pages
    plain: int = 0  # letters in lines without such links
    links: int = 0
    is_text: bool = False  # running text or a heading is in it
    has_field: bool = False  # to fill in, as of a search

    def add(self, other: _Content) -> None:
        self.letters += other.letters
        self.linked += other.linked
        self.plain += other.plain
        self.links += other.links
        self.is_text |= other.is_text
        self.has_field |= other.has_field

    def is_menu_of(self, page: _Content) -> bool:
        """Whether the group is a menu; what holds all of a page is one only if all is linked."""
        if self.is_text or self.plain > MAX_PLAIN_LETTERS:
            return False
        if self.plain and self.letters == page.letters:
            return False
        of_links = self.links >= MIN_LINKS and self.linked >= MIN_LINKED * self.letters
        return of_links or (self.has_field and self.letters <= MAX_PLAIN_LETTERS)


@dataclass
class _Group:
    """An element with what stands between the rulers (<hr>) in it."""

    element: Any
    content: _Content = field(default_factory=_Content)
    sections: list[_Content] = field(default_factory=lambda: [_Content()])
    groups: list[_Group] = field(default_factory=list)

    def add(self, content: _Content) -> None:
        self.content.add(content)
        self.sections[-1].add(content)


def without_menus(root: etree._Element, kind_of: KindOf) -> int:
    """Remove the menus from a page, in linear time; return how many letters they had."""
    evidence = root.iter("{*}a", *(f"{{*}}{name}" for name in FIELDS))
    if all(local(element) == "a" and not _is_link(element, "a") for element in evidence):
        return 0
    removed = 0
    page = _Walk(kind_of).group_of(root)
    pending = [page]
    while pending:
        group = pending.pop()
        if len(group.sections) > 1:
            removed += _remove_sections(group, page.content)
        for inner in group.groups:
            if inner.element.getparent() is None:
                continue  # its section is gone
            if len(inner.sections) == 1 and inner.content.is_menu_of(page.content):
                removed += inner.content.letters
                _remove(inner.element)
            elif inner.content.links or inner.content.has_field:
                pending.append(inner)
    return removed


def _remove_sections(group: _Group, page: _Content) -> int:
    """Remove the menus between rulers, with the text that stands loose there."""
    menus = {number for number, content in enumerate(group.sections) if content.is_menu_of(page)}
    section = 0
    if 0 in menus:
        group.element.text = None
    for child in list(group.element):
        section += local(child).lower() == "hr"
        if section in menus:
            child.tail = None
            group.element.remove(child)
    return sum(group.sections[number].letters for number in menus)


def _remove(element: etree._Element) -> None:
    """Remove an element, leave what follows it."""
    element.clear(keep_tail=True)
    element.tag = "template"  # which shows nothing


class _Walk:
    """One walk through a page that measures its groups."""

    def __init__(self, kind_of: KindOf):
        self.kind_of = kind_of
        self.open: list[_Group] = []
        self.line: list[str] = []
        self.linked: list[str] = []
        self.block: list[str] = []  # its lines
        self.open_links = 0
        self.links = 0

    def group_of(self, root: etree._Element) -> _Group:
        first = _Group(root)
        self.open.append(first)
        walker = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
        for event, element in walker:
            name = local(element).lower()
            kind = Kind.HIDDEN if name == "" else self.kind_of(element, name)
            if event == "start":
                if kind is Kind.HIDDEN:
                    self.open[-1].content.has_field |= name in FIELDS
                    self.open[-1].sections[-1].has_field |= name in FIELDS
                    walker.skip_subtree()
                else:
                    self.start(element, name, kind, element is root)
            elif event == "end" and kind is not Kind.HIDDEN:
                self.end(element, name, kind, element is root)
            if event != "start" and element is not root:
                self.add(element.tail)
        self.end_block()
        return first

    def start(self, element: etree._Element, name: str, kind: Kind, is_root: bool) -> None:
        if kind in (Kind.BLOCK, Kind.LINE, Kind.CELL, Kind.VERBATIM) and name != "br":
            self.end_block()
        if name in HEADINGS:
            self.open[-1].add(_Content(is_text=True))
        if name not in PHRASES and name != "hr" and not is_root:
            group = _Group(element)
            self.open[-1].groups.append(group)
            self.open.append(group)
        if _is_link(element, name):
            self.open_links += 1
            self.links += 1
        self.add(element.text)

    def end(self, element: etree._Element, name: str, kind: Kind, is_root: bool) -> None:
        if name == "br":
            self.end_line()
        elif kind in (Kind.BLOCK, Kind.LINE, Kind.CELL, Kind.VERBATIM):
            self.end_block()
        if name == "hr" and element.getparent() is self.open[-1].element:
            self.open[-1].sections.append(_Content())
        elif name not in PHRASES and name != "hr" and not is_root:
            content = self.open.pop().content
            self.open[-1].add(content)
        self.open_links -= _is_link(element, name)

    def add(self, text: str | None) -> None:
        if text:
            self.line.append(text)
            if self.open_links:
                self.linked.append(text)

    def end_line(self) -> None:
        line, linked = "".join(self.line), "".join(self.linked)
        self.line.clear()
        self.linked.clear()
        letters = _letters(line)
        is_plain = not linked and not self.links
        self.open[-1].add(
            _Content(
                letters,
                _letters(linked),
                letters if is_plain else 0,
                self.links,
                is_plain
                and len(_WORD.findall(line, 0, LINE_BEGINNING)) >= LINE_WORDS
                and bool(_LINE_END.search(line.rstrip()[-LINE_ENDING:])),
            )
        )
        self.links = 0
        self.block.append(line)

    def end_block(self) -> None:
        self.end_line()
        if _has_sentence(" ".join(self.block)):
            self.open[-1].add(_Content(is_text=True))
        self.block.clear()


def _is_link(element: etree._Element, name: str) -> bool:
    """Whether it links to another page."""
    href = element.get("href")
    if name != "a" or href is None or href.startswith("#"):
        return False
    return not is_numbered_link(element, href)


def _letters(text: str) -> int:
    return len("".join(text.split()))


def _has_sentence(text: str) -> bool:
    start = 0
    for end in _SENTENCE_END.finditer(text):
        words = _WORD.findall(text, start, end.start())
        start = end.end()
        if len(words) >= SENTENCE_WORDS and sum(map(str.islower, words)) * 2 >= len(words):
            return True
    return False
