"""The twelve regular expressions that both rivals of the corpus stage clean with."""

from __future__ import annotations

import re

RULES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\r\n?", "\n"),
        (r"&(#\d+|#x[0-9a-fA-F]+|\w+);", ""),
        (r"</?[A-Za-z][^<>]{0,200}>", ""),
        (r"[\x00-\x08\x0e-\x1f\x7f\u00ad\u200b-\u200f\ufeff]", ""),
        (r"[\u0300\u0301]", ""),
        (r" ?(\[\d{1,4}\]|\{\d{1,4}\})", ""),
        (r"[ \t\u00a0\u2000-\u200a\u202f]+", " "),
        (r"-{2,3}|[–―]", "—"),
        (r"(?m)(^| )-( |$)", r"\1—\2"),
        (r'"([^"\n]{1,300})"', r"«\1»"),
        (r"(?m)^ +| +$", ""),
        (r"\n{3,}", "\n\n"),
    )
]


def cleaned(text: str) -> str:
    """Apply all of them to a text."""
    for pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    return text
