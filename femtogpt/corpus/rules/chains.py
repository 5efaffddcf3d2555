"""The chains of rules: which apply to a source, and in which order."""

from __future__ import annotations

from femtogpt.config import SourceConfig
from femtogpt.corpus.rules.rule_registry import RULES, Rule, select_rules

EDITION: tuple[str, ...] = (  # characters first, then lines, then typography, blank lines last
    "entities",
    "line_ends",
    "tags",
    "line_end_hyphens",
    "invisible",
    "stress_marks",
    "composed",
    "lookalikes",
    "paragraphs",
    "gathered_notes",
    "footnote_marks",
    "bracketed_notes",
    "conjectures",
    "contents",
    "imprints",
    "forewords",
    "title_lines",
    "spaces",
    "separators",
    "page_numbers",
    "line_edges",
    "broken_words",
    "broken_lines",
    "ellipses",
    "quotes",
    "dashes",
    "punctuation",
    "stray_marks",
    "apostrophes",
    "blank_lines",
)
OF_EDITIONS = frozenset(name for name in EDITION if RULES[name].of_editions)
# Safe for any Russian text: none of these takes a letter or a digit of the text itself.
STANDARD: tuple[str, ...] = tuple(name for name in EDITION if name not in OF_EDITIONS)


def rules_of(source: SourceConfig) -> list[Rule]:
    """The rules that apply to a source's texts, in order.

    Raises UserError for an unknown name in its settings ``rules`` and ``without``.
    """
    chain = EDITION if source.edition else STANDARD
    unwanted = {rule.name for rule in select_rules(source.without)}
    rules = select_rules(chain if source.rules is None else source.rules)
    return [rule for rule in rules if rule.name not in unwanted]
