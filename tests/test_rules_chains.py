"""Which rules apply to a source: the standard ones, those of editions, and all but some."""

from __future__ import annotations

import polars as pl
import pytest

from femtogpt.artifacts.store import Store
from femtogpt.corpus.build import recipe
from femtogpt.corpus.rules import EDITION, RULES, STANDARD, rules_of
from femtogpt.corpus.schema import parts
from femtogpt.errors import UserError
from femtogpt.sources.texts import Files
from tests.helpers import PROSE, config, corpus_of, listed, story


def names(**settings) -> list[str]:
    return [rule.name for rule in rules_of(Files(path="texts", **settings))]


def test_a_source_has_the_standard_rules_unless_it_says_otherwise():
    assert names() == list(STANDARD)
    assert names(edition=True) == list(EDITION)
    assert names(rules=("spaces", "dashes")) == ["spaces", "dashes"]
    assert names(rules=()) == []


@pytest.mark.parametrize("settings", [{}, {"edition": True}, {"rules": ("spaces", "quotes")}])
def test_any_rule_is_switched_off_in_one_word(settings):
    kept = names(without=("quotes", "gathered_notes"), **settings)
    assert kept == [name for name in names(**settings) if name not in ("quotes", "gathered_notes")]


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [("gathered_note", "gathered_notes"), ("quote", "quotes"), ("lookalike", "lookalikes")],
)
def test_a_rule_without_which_to_clean_must_exist(wrong, hint):
    with pytest.raises(UserError, match=f"'{wrong}' is unknown; did you mean '{hint}'") as refused:
        names(without=(wrong,))
    assert "\n" not in str(refused.value)


def test_edition_and_rules_exclude_each_other():
    with pytest.raises(ValueError, match="give one"):
        names(edition=True, rules=("spaces",))


def test_the_recipe_names_the_rules_that_result():
    made = recipe(config({"mine": listed({"a": PROSE}, rules=None, without=("quotes",))}), {})
    assert made.config["rules"]["mine"] == [name for name in STANDARD if name != "quotes"]


@pytest.mark.parametrize("edition", [False, True])
def test_notes_go_from_the_texts_of_an_edition_alone(edition, tmp_path):
    noted = f"{story(1)} Он сказал adieu[1].\n\nПримечания\n\n[1] Прощайте (франц.)."
    texts = {"noted": noted, **{f"other {n}": story(n + 2) for n in range(6)}}
    store = Store(tmp_path / "data")
    corpus = corpus_of(store, config({"mine": listed(texts, rules=None, edition=edition)}))
    kept = pl.concat(
        [
            pl.read_parquet(file)
            for split in ("train", "held_out")
            for _, file in parts(corpus, split)
        ]
    )
    (text,) = kept.filter(pl.col("id") == "noted")["text"]
    assert ("Прощайте" in text) is not edition
    assert ("adieu[1]" in text) is not edition


@pytest.mark.parametrize("name", RULES)
def test_a_rule_says_in_a_line_what_it_needs_to_see(name):
    assert 0 < len(RULES[name].needs) <= 100
    assert "\n" not in RULES[name].needs
