"""Splits Markdown into blocks of plain text that remember headings, bold text and italics."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

from femtogpt.sources.interviews.remarks import is_remark

Kind = Literal["paragraph", "heading", "quote", "item"]
MIN_PROSE = 60  # characters of a paragraph in HTML: shorter ones are buttons and advertisements
_HIDDEN = re.compile(r"<(script|style|iframe|form)\b.*?</\1>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_SENTENCE_END = re.compile(r"[.!?…][»\")]*$")
_FOOTNOTE = re.compile(r"^\[\^[^\]\n]+\]:.*$|\[\^[^\]\n]+\]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading, a paragraph of a quotation or a list item."""

    kind: Kind
    text: str  # without markup, with the line breaks of the file
    bold: str  # the bold text at its beginning
    italic: str  # the italic text at its beginning


def blocks(text: str, mended: list[str]) -> list[Block]:
    """Parse Markdown into blocks of text; code, tables, images and HTML that is no prose go.

    ``mended`` gets an entry for each block that goes.
    """
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable("code")
    result: list[Block] = []
    open_tokens: list[str] = []
    for token in parser.parse(_FOOTNOTE.sub("", text)):
        if token.nesting == 1:
            open_tokens.append(token.type)
            if token.type == "table_open":
                mended.append("tables left out")
        elif token.nesting == -1:
            open_tokens.pop()
        elif token.type == "fence" and token.content.strip():
            mended.append("code left out")
        elif token.type == "html_block":
            if prose := _prose(token.content):
                result.append(Block("paragraph", prose, "", ""))
            elif _words(token.content):
                mended.append("HTML that is no prose left out")
        elif token.type == "inline" and "table_open" not in open_tokens:
            children = token.children or []
            if block_text := _text(children):
                bold, italic = _leading(children, "strong"), _leading(children, "em")
                result.append(Block(_kind(open_tokens), block_text, bold, italic))
    return result


def _prose(page: str) -> str:
    """Return the text of HTML if it is a paragraph of sentences; "" if it is something else."""
    text = _words(page)
    return text if len(text) >= MIN_PROSE and _SENTENCE_END.search(text) else ""


def _words(page: str) -> str:
    return " ".join(unescape(_TAG.sub(" ", _HIDDEN.sub(" ", page))).split())


def _kind(open_tokens: Sequence[str]) -> Kind:
    if "heading_open" in open_tokens:
        return "heading"
    if "blockquote_open" in open_tokens:
        return "quote"
    return "item" if "list_item_open" in open_tokens else "paragraph"


def _text(tokens: Sequence[Token]) -> str:
    """Join the text of a block's inline tokens, without remarks in emphasis (*вздыхает*)."""
    text, emphasis_start = "", 0
    for token in tokens:
        match token.type:
            case "strong_open" | "em_open":
                emphasis_start = len(text)
            case "strong_close" | "em_close":
                if is_remark(text[emphasis_start:]):
                    text = text[:emphasis_start]
            case "softbreak" | "hardbreak":
                text += "\n"
            case "html_inline":
                text += "\n" if token.content.lower().startswith("<br") else ""
            case "text" | "code_inline":
                text += token.content
    return text.strip()


def _leading(tokens: Sequence[Token], style: Literal["strong", "em"]) -> str:
    """Return the text in this style at the beginning of a block."""
    leading: list[Token] = []
    depth = 0
    for token in tokens:
        depth += token.nesting * token.type.startswith(style)
        if depth == 0 and token.type in ("text", "code_inline") and token.content.strip():
            break
        leading.append(token)
    return _text(leading)
