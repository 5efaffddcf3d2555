"""The kind of a text: verse, prose, dialogue or article, by its source and its form.

- An article comes from a source of the kind ``wiki``.
- Dialogue is a text in which half of the lines begin a turn: ``▸ Имя: …`` or ``Имя: …``.
- Verse has short lines: three quarters of its characters stand in lines of at most 60. Among the
  373 works of the classics this tells all 78 poems from the 295 works of prose: the shares are 0.80
  and more, and 0.73 at most. Hard-wrapped prose is joined by the cleaning before.
- Prose is everything else.
"""

from __future__ import annotations

import re

KINDS = ("verse", "prose", "dialogue", "article")
SPEAKER = "▸"  # begins a turn, as femtogpt.sources.interviews writes it
ARTICLES = "wiki"  # the kind of a source of articles
VERSE_LINE = 60  # characters
VERSE_SHARE = 0.75  # of a text's characters that are in such lines
TURNS = 0.5  # of a text's lines that begin one
FEW_LINES = 3  # fewer have no form
_TURN = re.compile(rf"(?:{SPEAKER}|[A-ZА-ЯЁ][^\n:.!?…—]{{0,30}}: )")


def kind_of(text: str, source_kind: str = "") -> str:
    """The kind of a cleaned text from a source of a kind."""
    if source_kind == ARTICLES:
        return "article"
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) < FEW_LINES:
        return "prose"
    if sum(_TURN.match(line) is not None for line in lines) >= TURNS * len(lines):
        return "dialogue"
    short = sum(len(line) for line in lines if len(line) <= VERSE_LINE)
    return "verse" if short >= VERSE_SHARE * sum(map(len, lines)) else "prose"
