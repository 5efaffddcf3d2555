"""Takes the templates and tables out of wikitext; what readers see of some templates stays.

One pass over the text with a stack of what is open, so that nesting is followed to any depth in
time linear in the text's length. What is never closed (or closed only beyond the next heading)
loses its markup and its lines of parameters, and the text after it stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable

DEPTH = 40  # MediaWiki's own limit: what lies deeper is left out
_TOKEN = re.compile(
    r"\{\{|\}\}"
    r"|^[ \t:*#;]*\{\|"  # a table begins and ends at the beginning of a line
    r"|^[ \t]*\|\}(?=\}\}|[^}]|\Z)",  # not the end of {{a|}}
    re.MULTILINE,
)
_PARAMETER = re.compile(r"\{\{\{[^{}]*\}\}\}")  # {{{1|}}}, which only templates have
_PARAMETER_LINES = re.compile(r"^[ \t]*[|!].*\n?", re.MULTILINE)
_HEADING = re.compile(r"^==.*=[ \t]*$", re.MULTILINE)


class _Open:
    """A template or a table that is not closed yet, or the page itself."""

    __slots__ = ("is_table", "pieces")

    def __init__(self, is_table: bool = False):
        self.is_table = is_table
        self.pieces: list[str] = []


def without_braces(text: str, expanded: Callable[[str], str]) -> str:
    """The text without templates and tables.

    ``expanded`` gives what stands for a template's content (what is between {{ and }}).
    """
    if "{{{" in text:
        text = _PARAMETER.sub("", text)
    stack = [_Open()]
    tables = templates = 0  # on the stack
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
                if len(stack) <= DEPTH:
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
            if len(stack) <= DEPTH and _HEADING.search(content):
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
    """What stays of a template or table that has no end: not its first words, nor its rows."""
    first, newline, rest = content.partition("\n")
    # Of {{lang|fr|some text … the text stays, up to the end of its line.
    last = "" if is_table else first.partition("|")[2].rpartition("|")[2]
    return ("" if "=" in last else last) + newline + _PARAMETER_LINES.sub("", rest)
