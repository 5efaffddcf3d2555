"""Repairs text after markup was removed: empty parentheses, stray punctuation, list marks."""

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
        (r"^[ *#:;]+", ""),  # list marks
        (r"\{\|.*$|\|\}", ""),
        (r"^\|.*$", ""),  # a row of a table whose beginning is missing
        (rf"^[^\W\d]+:[^|\n]*{_PICTURE}(?:\|.*)?$", ""),  # the same for a gallery
        (r"\( *(?:[,;:] +)*", "("),
        (r"(?<=[^( ,;])[ ,;]+\)", ")"),
        (r"\((?:|[,;:]* [ ,;:]*|[,;:]{2,})\)", ""),
        (r"([,;])(?: *[,;])+", r"\1"),
        (r" {2,}", " "),  # below, spaces are single
        (r" ([,;»]|[.!?](?= |$))", r"\1"),
        (r", ?\.(?= |$)", "."),
        (r"\.(?<!\.\.)\.(?= |$)", "."),
        (r"« ", "«"),
        (r"^[,;.)]+ ", ""),
        (r"^[^\w\n]+$", ""),  # neither letter nor digit
        (r" $", ""),
        (r"\n{3,}", "\n\n"),
    )
]


def tidy(text: str) -> str:
    """Remove list marks and what removed markup left over; at most one empty line in a row."""
    if text.startswith(";") or "\n;" in text:  # «;term : definition», also used as a heading
        text = _TERM.sub(r"\1: ", _EMPTY_TERM.sub("", text))
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text.strip()
