"""Converts links, HTML tags and emphasis in wikitext to plain text.

Regular expressions replace the two commonest forms, [[page]] and [[page|text]]. Lines with other
markup go through mwparserfromhell, unless they contain so much of it that the parser would be slow:
its time is quadratic in the number of marks. Unclosed markup loses its marks.
"""

from __future__ import annotations

import html
import re

import mwparserfromhell
from mwparserfromhell import nodes

from femtogpt.sources.wiki.site import Site
from femtogpt.sources.wiki.templates import SUPERSCRIPT

MAX_PARSED_CHARACTERS = 20_000  # longer blocks are not parsed
MAX_PARSED_MARKS = 200  # blocks with more are not parsed; their marks are just removed
_QUOTES = re.compile(r"'{2,}")
_LINK = re.compile(r"\[\[([^\[\]|:#\n][^\[\]|:\n]*)\]\]")
_LINK_WITH_TEXT = re.compile(r"\[\[[^\[\]|:\n]*\|([^\[\]|]*)\]\]")
_OTHER_LINK = re.compile(r"\[\[([^\[\]|\n]*)(?:\|([^\[\]]*))?\]\]")
_MARKUP = re.compile(r"\[\[|\]\]|\[(?:https?|ftp|mailto|irc|news)?:?//|<[/a-zA-Z]", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>")
_BREAK = re.compile(r"</?(?:br|hr|p|div|li|tr|blockquote|center|poem)\b[^<>]{0,2000}>", re.I)
_UNCLOSED_FILE = re.compile(r"\[\[[^\[\]|\n]*:(?:[^\[\]\n]*\|)?")
_EXTERNAL = re.compile(r"\[(?:https?:|ftp:)?//[^\s\]]*[ \t]*([^\[\]\n]*)\]?", re.IGNORECASE)
_BEHAVIOUR_SWITCH = re.compile(r"__[^\W\d_a-zа-яё]+(?:_[^\W\d_a-zа-яё]+)*__")
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_DROPPED_TAGS = frozenset({"s", "del", "strike", "rt", "rp"})
_BLOCK_TAGS = frozenset({"br", "hr", "p", "div", "li", "dd", "dt", "tr", "blockquote", "center"})
_POWER = re.compile(r"[0-9n+−–-]{1,8}")


def plain(text: str, site: Site) -> str:
    """Convert links and tags to the text that a reader sees; line breaks stay."""
    if "''" in text:
        text = _QUOTES.sub(_quotes, text)
    if "[[" in text:
        # Splitting keeps the pattern's only group, so joining replaces the links, faster than sub.
        text = "".join(_LINK.split(text))
        text = "".join(_LINK_WITH_TEXT.split(text))
        text = _OTHER_LINK.sub(lambda link: _link_text(link[1], link[2], site), text)
    if _MARKUP.search(text):
        text = "\n".join(_parsed(block, site) for block in _blocks(text))
        text = _without_marks(text)
    text = _BEHAVIOUR_SWITCH.sub("", text) if "__" in text else text
    return html.unescape(text) if "&" in text else text


def _quotes(run: re.Match) -> str:
    """Remove marks of emphasis (2, 3 or 5 apostrophes); any further apostrophes are text."""
    length = len(run[0])
    return "'" if length == 4 else "'" * (length - 5)


def _link_text(target: str, text: str | None, site: Site) -> str:
    target = target.strip()
    if ":" in target and not site.shows(target):
        return ""
    if text is not None:
        return text.rpartition("|")[2]
    if target.startswith(":") and not site.shows(target[1:]):
        return target[1:].partition(":")[2]  # [[:Категория:Реки]]
    return target.lstrip(":#")


def _blocks(text: str) -> list[str]:
    """Split into lines, but keep together the lines that a link spans."""
    blocks: list[str] = []
    open_links = 0  # in the last block
    for line in text.split("\n"):
        balance = line.count("[[") - line.count("]]")
        if open_links > 0 and line and len(blocks[-1]) < MAX_PARSED_CHARACTERS:
            blocks[-1] += "\n" + line
            open_links += balance
        else:
            blocks.append(line)
            open_links = balance
    return blocks


def _parsed(block: str, site: Site) -> str:
    marks = len(_MARKUP.findall(block))
    if len(block) > MAX_PARSED_CHARACTERS or not 0 < marks <= MAX_PARSED_MARKS:
        return block
    return _text(mwparserfromhell.parse(block, skip_style_tags=True), site)


def _text(code: mwparserfromhell.wikicode.Wikicode, site: Site) -> str:
    return "".join(_node(node, site) for node in code.nodes)


def _node(node: nodes.Node, site: Site) -> str:
    match node:
        case nodes.Wikilink():
            text = _text(node.text, site) if node.text else None
            return _link_text(str(node.title), text, site)
        case nodes.ExternalLink():
            if not node.brackets:
                return str(node.url)
            return _text(node.title, site) if node.title else ""
        case nodes.Tag():
            return _tag(node, site)
        case nodes.Comment() | nodes.Template() | nodes.Argument():
            return ""
    return str(node)


def _tag(tag: nodes.Tag, site: Site) -> str:
    if tag.wiki_markup is not None and tag.self_closing:
        return str(tag.wiki_markup)  # the mark of a list
    name = str(tag.tag).strip().lower()
    content = _text(tag.contents, site) if tag.contents else ""
    if name in _DROPPED_TAGS or any(
        attribute.name == "style" and _HIDDEN_STYLE.search(str(attribute.value))
        for attribute in tag.attributes
    ):
        return ""
    if name == "sup" and _POWER.fullmatch(content):
        return content.translate(SUPERSCRIPT)
    return f"\n{content}\n" if name in _BLOCK_TAGS and content else content or _line_end(name)


def _line_end(name: str) -> str:
    return "\n" if name in _BLOCK_TAGS else ""


def _without_marks(text: str) -> str:
    """Remove what the parser took for text: tags and brackets without a counterpart."""
    text = _TAG.sub("", _BREAK.sub("\n", text))
    text = _EXTERNAL.sub(r"\1", _UNCLOSED_FILE.sub("", text))
    return text.replace("[[", "").replace("]]", "")
