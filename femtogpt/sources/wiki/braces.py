"""Removes templates and tables from wikitext, and keeps the visible text of some templates.

One pass over the text with a stack of open braces follows nesting to any depth in linear time. A
template or table that is never closed (or only beyond the next heading) loses its markup and its
parameter lines; the text after it stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable

MAX_DEPTH = 40  # MediaWiki's own limit; anything nested deeper is left out
_TOKEN = re.compile(
    r"\{\{|\}\}"
    r"|^[ \t:*#;]*\{\|"  # a table begins and ends at the beginning of a line
    r"|^[ \t]*\|\}(?=\}\}|[^}]|\Z)",  # but not the end of {{a|}}
    re.MULTILINE,
)
_PARAMETER = re.compile(r"\{\{\{[^{}]*\}\}\}")  # {{{1|}}}, meaningful only in templates
_PARAMETER_LINES = re.compile(r"^[ \t]*[|!].*\n?", re.MULTILINE)
_HEADING = re.compile(r"^==.*=[ \t]*$", re.MULTILINE)


class _Open:
    """A template or table that is still open, or the page itself."""

    __slots__ = ("is_table", "pieces")

    def __init__(self, is_table: bool = False):
        self.is_table = is_table
        self.pieces: list[str] = []


def without_braces(text: str, expanded: Callable[[str], str]) -> str:
    """Remove templates and tables.

    ``expanded`` maps a template's content (between {{ and }}) to its visible text.
    """
    if "{{{" in text:
        text = _PARAMETER.sub("", text)
    stack = [_Open()]
    tables = templates = 0  # how many of each are on the stack
    at = 0
    for token in _TOKEN.finditer(text):
        stack[-1].pieces.append(text[at : token.start()])
        at = token.end()
        mark = token[0]
        if mark == "{{":
            stack.append(_Open())
            templates += 1
        elif mark == "}}":
            if templates:
                while stack[-1].is_table:
                    stack.pop()
                    tables -= 1
                content = "".join(stack.pop().pieces)
                templates -= 1
                if len(stack) <= MAX_DEPTH:
                    stack[-1].pieces.append(_template(content, expanded))
        elif mark[-1] == "|":
            stack.append(_Open(is_table=True))
            tables += 1
        elif tables:
            while not stack[-1].is_table:
                stack.pop()
                templates -= 1
            content = "".join(stack.pop().pieces)
            tables -= 1
            if len(stack) <= MAX_DEPTH and _HEADING.search(content):
                stack[-1].pieces.append(_unclosed(content, is_table=True))
    stack[-1].pieces.append(text[at:])
    page, *unclosed = (("".join(level.pieces), level.is_table) for level in stack)
    return page[0] + "".join(_unclosed(content, is_table) for content, is_table in unclosed)


def _template(content: str, expanded: Callable[[str], str]) -> str:
    text = expanded(content)
    if not text and "\n==" in content and _HEADING.search(content):
        return _unclosed(content, is_table=False)
    return text


def _unclosed(content: str, is_table: bool) -> str:
    """Keep the text after the beginning and the rows of a template or table that has no end."""
    first, newline, rest = content.partition("\n")
    # Of {{lang|fr|some text … keep the text up to the end of its line.
    last = "" if is_table else first.partition("|")[2].rpartition("|")[2]
    return ("" if "=" in last else last) + newline + _PARAMETER_LINES.sub("", rest)
