"""The cleaning rules, and those that apply to a source which names none.

Each file has the rules for one purpose. A source's YAML names its rules in the order in which they
are applied: characters first, then lines, then typography, and blank lines last.
"""

from femtogpt.corpus.rules import (  # noqa: F401 - importing a module registers its rules
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
    stray_marks,
    typography,
)
from femtogpt.corpus.rules.rule_registry import RULES, Rule, rule, select_rules

STANDARD: tuple[str, ...] = (  # safe for any Russian text; whether others suit a text needs a look
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

__all__ = ["RULES", "STANDARD", "Rule", "rule", "select_rules"]
