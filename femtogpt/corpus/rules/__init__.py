"""The cleaning rules: which there are, and which a source has that names none.

Each file has those of one purpose. A source's YAML names its rules in the order in which they are
applied: characters first, then what stands on lines, then typography, blank lines last.
"""

from femtogpt.corpus.rules import (  # noqa: F401 - to import them is to register their rules
    characters,
    contents,
    editors,
    forewords,
    headings,
    hyphens,
    language,
    layout,
    marks,
    notes,
    paragraphs,
    quotes,
    strays,
    typography,
)
from femtogpt.corpus.rules.registry import RULES, Rule, chosen, rule

STANDARD: tuple[str, ...] = (  # what is safe for any Russian text; the others need a look at it
    "entities",
    "line_ends",
    "tags",
    "invisible",
    "stress_marks",
    "composed",
    "paragraphs",
    "gathered_notes",
    "footnote_marks",
    "imprints",
    "title_lines",
    "spaces",
    "separators",
    "line_edges",
    "broken_words",
    "broken_lines",
    "ellipses",
    "quotes",
    "dashes",
    "punctuation",
    "apostrophes",
    "blank_lines",
)

__all__ = ["RULES", "STANDARD", "Rule", "chosen", "rule"]
