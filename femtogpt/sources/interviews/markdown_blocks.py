"""Splits Markdown into blocks of plain text that remember headings, bold text and italics."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

from femtogpt.sources.interviews.left_out import (
    CODE,
    FOOTNOTES,
    GRIDS,
    HTML,
    PICTURES,
    REMARKS,
    LeaveOut,
    leave_out_rest,
)
from femtogpt.sources.interviews.remarks import is_remark

Kind = Literal["paragraph", "heading", "quote", "item"]
MIN_PROSE = 60  # characters of HTML other than <p>: less is a button or an advertisement
_HIDDEN = re.compile(r"<(script|style|iframe|form)\b.*?</\1>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_PARAGRAPH = re.compile(r"\s*<p[\s>]", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_SENTENCE_END = re.compile(r"[.!?…][»\")]*$")
_FOOTNOTE = re.compile(r"^\[\^[^\]\n]+\]:.*$|\[\^[^\]\n]+\]", re.MULTILINE)

_NAMED = re.compile(  # «[Врач]: Здравствуйте.», which Markdown takes for the address of a link
    r"^\[(?=[^\]\n]+\]:\s+(?!<|[\w+-]+:|[/#]|\S+[.]\w{2}))", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading, a paragraph of a quotation or a list item."""

    kind: Kind
    text: str  # without markup, with the line breaks of the file
    bold: str  # the bold text at its beginning
    italic: str  # the italic text at its beginning


def blocks(text: str, leave_out: LeaveOut) -> list[Block]:
    """Parse Markdown into blocks of text; code, tables, images and HTML that is no prose go."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable("code")
    result: list[Block] = []
    open_tokens: list[str] = []
    for footnote in _FOOTNOTE.findall(text):
        leave_out(FOOTNOTES, footnote)
    for token in parser.parse(_NAMED.sub(r"\\[", _FOOTNOTE.sub("", text))):
        if token.nesting == 1:
            open_tokens.append(token.type)
        elif token.nesting == -1:
            open_tokens.pop()
        elif token.type == "html_block":
            shown = _shown(token.content)
            is_long = len(shown) >= MIN_PROSE or _PARAGRAPH.match(token.content) is not None
            if is_long and _SENTENCE_END.search(shown):
                result.append(Block("paragraph", shown, "", ""))
            else:
                leave_out_rest(leave_out, HTML, shown, "")
        elif token.type == "fence":
            leave_out_rest(leave_out, CODE, token.content, "")
        elif token.type == "inline" and "table_open" in open_tokens:
            leave_out_rest(leave_out, GRIDS, token.content, "")
        elif token.type == "inline":
            children = token.children or []
            _tell_left_out(children, leave_out)
            if block_text := _text(children):
                bold, italic = _leading(children, "strong"), _leading(children, "em")
                result.append(Block(_kind(open_tokens), block_text, bold, italic))
    return result


def _shown(page: str) -> str:
    """Return the text of HTML."""
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


def _tell_left_out(tokens: Sequence[Token], leave_out: LeaveOut) -> None:
    """Tell of pictures, and of remarks in emphasis."""
    plain = "".join(token.content for token in tokens if token.type in ("text", "code_inline"))
    leave_out_rest(leave_out, REMARKS, plain, _text(tokens))
    for token in tokens:
        if token.type == "image":
            leave_out_rest(leave_out, PICTURES, token.content, "")


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
