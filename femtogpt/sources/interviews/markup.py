"""Markdown as blocks of plain text, of which it is known what was bold and what a heading."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

from femtogpt.sources.interviews.remarks import is_remark

Kind = Literal["paragraph", "heading", "quote", "item"]
_FOOTNOTE = re.compile(r"^\[\^[^\]\n]+\]:.*$|\[\^[^\]\n]+\]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading, a paragraph of a quotation or an item of a list."""

    kind: Kind
    text: str  # without markup; its lines as in the file
    bold: str  # the bold text that it begins with; all of it in a bold paragraph
    italic: str  # the same in italics


def blocks(text: str) -> list[Block]:
    """The blocks of text in a Markdown file; code, tables, HTML and images are left out."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable("code")
    result: list[Block] = []
    inside: list[str] = []
    for token in parser.parse(_FOOTNOTE.sub("", text)):
        if token.nesting == 1:
            inside.append(token.type)
        elif token.nesting == -1:
            inside.pop()
        elif token.type == "inline" and "table_open" not in inside:
            said = _text(token.children or [])
            if said:
                bold, italic = (_leading(token.children, style) for style in ("strong", "em"))
                result.append(Block(_kind(inside), said, bold, italic))
    return result


def _kind(inside: Sequence[str]) -> Kind:
    if "heading_open" in inside:
        return "heading"
    if "blockquote_open" in inside:
        return "quote"
    return "item" if "list_item_open" in inside else "paragraph"


def _text(tokens: Sequence[Token]) -> str:
    """The text of the tokens inside a block."""
    text, emphasis = "", 0
    for token in tokens:
        match token.type:
            case "strong_open" | "em_open":
                emphasis = len(text)
            case "strong_close" | "em_close":
                if is_remark(text[emphasis:]):  # *вздыхает*
                    text = text[:emphasis]
            case "softbreak" | "hardbreak":
                text += "\n"
            case "html_inline":
                text += "\n" if token.content.lower().startswith("<br") else ""
            case "text" | "code_inline":
                text += token.content
    return text.strip()


def _leading(tokens: Sequence[Token], style: Literal["strong", "em"]) -> str:
    """The text in this style that a block begins with."""
    begun: list[Token] = []
    depth = 0
    for token in tokens:
        depth += token.nesting * token.type.startswith(style)
        if depth == 0 and token.type in ("text", "code_inline") and token.content.strip():
            break
        begun.append(token)
    return _text(begun)
