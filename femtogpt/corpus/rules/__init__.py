"""The cleaning rules: each file has those for one purpose, and chains.py their order."""

from femtogpt.corpus.rules import (  # noqa: F401 - importing a module registers its rules
    characters,
    contents,
    editors,
    forewords,
    headings,
    hyphens,
    language,
    layout,
    lookalikes,
    marks,
    notes,
    paragraphs,
    quotes,
    stray_marks,
    typography,
)
from femtogpt.corpus.rules.chains import EDITION, OF_EDITIONS, STANDARD, rules_of
from femtogpt.corpus.rules.rule_registry import RULES, Rule, rule, select_rules

__all__ = [
    "EDITION",
    "OF_EDITIONS",
    "RULES",
    "STANDARD",
    "Rule",
    "rule",
    "rules_of",
    "select_rules",
]
