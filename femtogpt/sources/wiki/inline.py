"""Links, HTML tags and emphasis in wikitext become plain text.

The two commonest forms, [[page]] and [[page|text]], are replaced by regular expressions. Lines
in which other markup is left go through mwparserfromhell, if there is not so much of it that the
parser would take long: its time grows with the square of that. What is not closed loses its marks.
"""

from __future__ import annotations

import html
import re

import mwparserfromhell
from mwparserfromhell import nodes

from femtogpt.sources.wiki.site import Site
from femtogpt.sources.wiki.templates import SUPERSCRIPT

LONGEST = 20_000  # characters for the parser
MOST = 200  # marks for the parser; where there are more, they only go
_QUOTES = re.compile(r"'{2,}")
_LINK = re.compile(r"\[\[([^\[\]|:#\n][^\[\]|:\n]*)\]\]")
_LINK_WITH_TEXT = re.compile(r"\[\[[^\[\]|:\n]*\|([^\[\]|]*)\]\]")
_OTHER_LINK = re.compile(r"\[\[([^\[\]|\n]*)(?:\|([^\[\]]*))?\]\]")
_MARKUP = re.compile(r"\[\[|\]\]|\[(?:https?|ftp|mailto|irc|news)?:?//|<[/a-zA-Z]", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>")
_BREAK = re.compile(r"</?(?:br|hr|p|div|li|tr|blockquote|center|poem)\b[^<>]{0,2000}>", re.I)
_UNCLOSED_FILE = re.compile(r"\[\[[^\[\]|\n]*:(?:[^\[\]\n]*\|)?")
_EXTERNAL = re.compile(r"\[(?:https?:|ftp:)?//[^\s\]]*[ \t]*([^\[\]\n]*)\]?", re.IGNORECASE)
_SWITCH = re.compile(r"__[^\W\d_a-zа-яё]+(?:_[^\W\d_a-zа-яё]+)*__")
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_LEFT_OUT = frozenset({"s", "del", "strike", "rt", "rp"})
_OWN_LINE = frozenset({"br", "hr", "p", "div", "li", "dd", "dt", "tr", "blockquote", "center"})
_POWER = re.compile(r"[0-9n+−–-]{1,8}")


def plain(text: str, site: Site) -> str:
    """The text with its links and tags as a reader sees them; line ends stay."""
    if "''" in text:
        text = _QUOTES.sub(_quotes, text)
    if "[[" in text:
        # Split at links and put together again with their only group: faster than sub.
        text = "".join(_LINK.split(text))
        text = "".join(_LINK_WITH_TEXT.split(text))
        text = _OTHER_LINK.sub(lambda link: _linked(link[1], link[2], site), text)
    if _MARKUP.search(text):
        text = "\n".join(_parsed(block, site) for block in _blocks(text))
        text = _marks_gone(text)
    text = _SWITCH.sub("", text) if "__" in text else text
    return html.unescape(text) if "&" in text else text


def _quotes(run: re.Match) -> str:
    """Marks of emphasis are 2, 3 or 5 apostrophes; what more there are is text."""
    length = len(run[0])
    return "'" if length == 4 else "'" * (length - 5)


def _linked(target: str, text: str | None, site: Site) -> str:
    target = target.strip()
    if ":" in target and not site.shows(target):
        return ""
    if text is not None:
        return text.rpartition("|")[2]
    if target.startswith(":") and not site.shows(target[1:]):
        return target[1:].partition(":")[2]  # [[:Категория:Реки]]
    return target.lstrip(":#")


def _blocks(text: str) -> list[str]:
    """Lines, those together that a link with line ends in it connects."""
    blocks: list[str] = []
    waiting = 0  # links that are open in the last block
    for line in text.split("\n"):
        opened = line.count("[[") - line.count("]]")
        if waiting > 0 and line and len(blocks[-1]) < LONGEST:
            blocks[-1] += "\n" + line
            waiting += opened
        else:
            blocks.append(line)
            waiting = opened
    return blocks


def _parsed(block: str, site: Site) -> str:
    if len(block) > LONGEST or not 0 < len(_MARKUP.findall(block)) <= MOST:
        return block
    return _text(mwparserfromhell.parse(block, skip_style_tags=True), site)


def _text(code: mwparserfromhell.wikicode.Wikicode, site: Site) -> str:
    return "".join(_node(node, site) for node in code.nodes)


def _node(node: nodes.Node, site: Site) -> str:
    match node:
        case nodes.Wikilink():
            return _linked(str(node.title), _text(node.text, site) if node.text else None, site)
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
    if name in _LEFT_OUT or any(
        attribute.name == "style" and _HIDDEN_STYLE.search(str(attribute.value))
        for attribute in tag.attributes
    ):
        return ""
    if name == "sup" and _POWER.fullmatch(content):
        return content.translate(SUPERSCRIPT)
    return f"\n{content}\n" if name in _OWN_LINE and content else content or _line_end(name)


def _line_end(name: str) -> str:
    return "\n" if name in _OWN_LINE else ""


def _marks_gone(text: str) -> str:
    """Without what the parser took for text: tags and brackets that have no other end."""
    text = _TAG.sub("", _BREAK.sub("\n", text))
    text = _EXTERNAL.sub(r"\1", _UNCLOSED_FILE.sub("", text))
    return text.replace("[[", "").replace("]]", "")
