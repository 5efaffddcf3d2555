"""Mends lines of text in which markup has left holes: empty parentheses, lone punctuation."""

from __future__ import annotations

import re

_PICTURE = r"\.(?:jpe?g|png|svg|gif|tiff?|og[gv]|webm|djvu|pdf)"
_EMPTY_TERM = re.compile(r"(?:^;[^:\n]*\n\s*\n)+(?=;|\Z)|^;[^:\n]*\Z", re.MULTILINE)
_TERM = re.compile(r"^ *; *([^:\n]+?) +: +", re.MULTILINE)
_RULES = [
    (re.compile(pattern, re.MULTILINE), replacement)
    for pattern, replacement in (
        (r"[\t\u00a0\u2002-\u200a\u202f]", " "),
        (r"[\u00ad\u200b\u200e\u200f\u2060\ufeff]", ""),
        (r"^[ *#:;]+", ""),  # the marks of lists
        (r"\{\|.*$|\|\}", ""),
        (r"^\|.*$", ""),  # a row of a table that has no beginning
        (rf"^[^\W\d]+:[^|\n]*{_PICTURE}(?:\|.*)?$", ""),  # a gallery's, likewise
        (r"\( *(?:[,;:] +)*", "("),
        (r"(?<=[^( ,;])[ ,;]+\)", ")"),
        (r"\((?:|[,;:]* [ ,;:]*|[,;:]{2,})\)", ""),
        (r"([,;])(?: *[,;])+", r"\1"),
        (r" {2,}", " "),  # from here on a space is a single one
        (r" ([,;»]|[.!?](?= |$))", r"\1"),
        (r", ?\.(?= |$)", "."),
        (r"\.(?<!\.\.)\.(?= |$)", "."),
        (r"« ", "«"),
        (r"^[,;.)]+ ", ""),
        (r"^[^\w\n]+$", ""),  # no letter and no digit
        (r" $", ""),
        (r"\n{3,}", "\n\n"),
    )
]


def tidy(text: str) -> str:
    """The text without marks of lists and what removed markup left; at most one empty line."""
    if text.startswith(";") or "\n;" in text:  # «;term : definition», used as a heading too
        text = _TERM.sub(r"\1: ", _EMPTY_TERM.sub("", text))
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text.strip()
