"""The cleaning rules as a whole: what each says it does, and what none of them may do."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from femtogpt.config_file import CONF, read_source
from femtogpt.corpus.rules import RULES, STANDARD, select_rules
from femtogpt.errors import UserError
from tests.cleaning import (
    CHAINS,
    CLASSICS,
    MARKS,
    NASTY,
    WHOLE,
    clean,
    cleaned,
    few,
    texts,
    thorough,
)
from tests.helpers import PROSE, VERSE

SPEECH = "— Кто там? — спросил он.\n— Свои, — ответили из-за двери. — Отворяй!"
LETTER = "Милостивый государь Пётр Ильич!\n\nПишу вам наскоро.\n\nВаш друг\nА. Лунин\n3 мая 1851 г."
PLAY = "Анна. Кто здесь?\nСтепан (входя). Это я.\nАнна. Ах!\n\nЗанавес"
LIST = "1. Соль.\n2. Хлеб.\n3. Вода.\n\nГлава 2\n\nВ 1812—1813 годах, 1-й полк, кто-нибудь."
FRENCH = (
    "— Eh bien, mon prince, — сказала она, — vous êtes à l’heure.\n«C’est la vie», — ответил он."
)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_does_what_its_example_says_and_says_what_it_does(name):
    assert clean(RULES[name].before, name) == RULES[name].after
    assert RULES[name].purpose


@pytest.mark.parametrize("name", RULES)
def test_a_rule_applied_twice_does_nothing_more(name):
    @few
    @given(texts(WHOLE))
    def twice(texts):
        once = cleaned(texts, (name,))
        assert cleaned(once, (name,)) == once

    twice()


@pytest.mark.parametrize("chain", CHAINS)
@thorough
@given(texts(WHOLE))
@example(["и\u0306\u0301"])  # й with a stress, taken apart
@example(["- - -"])
@example(["раз&#8232;два"])
def test_a_chain_applied_twice_does_nothing_more(chain, texts):
    once = cleaned(texts, CHAINS[chain])
    assert cleaned(once, CHAINS[chain]) == once


@pytest.mark.parametrize("chain", CHAINS)
@thorough
@given(texts(NASTY))
def test_a_chain_leaves_no_dirt(chain, texts):
    for text in cleaned(texts, CHAINS[chain]):
        kinds = {char: unicodedata.category(char) for char in text if char not in " \n"}
        assert not set(kinds.values()) & {"Cc", "Zl", "Zp", "Zs"}
        assert not set(text) & set("\u00ad\u200b\u2060\ufeff\u2581")
        around = re.split("\ufffd+", text)  # the mark of what could not be read stands for a letter
        assert all(
            any(unicodedata.category(char)[0] in "LNM" for char in (before[-1:] + after[:1]))
            for before, after in pairwise(around)
        )
        assert "  " not in text
        assert "\n\n\n" not in text
        assert all(line == line.strip() for line in text.split("\n"))


@pytest.mark.parametrize("chain", CHAINS)
@thorough
@given(texts(MARKS), st.lists(st.text(max_size=40), max_size=5))
def test_a_chain_takes_any_text(chain, marked, arbitrary):
    texts = [*marked, *arbitrary, None, ""]
    assert len(cleaned(texts, CHAINS[chain])) == len(texts)


@pytest.mark.parametrize("chain", CHAINS)
@few
@given(st.lists(st.sampled_from(["слово", "Дом", "ещё", "кто-то", "и", "мир"]), min_size=3))
def test_a_chain_loses_no_letter_of_plain_sentences(chain, words):
    text = f"{' '.join(words)}. {', '.join(words)}!\n\n— {' '.join(words)}?"
    assert clean(text, *CHAINS[chain]) == text


@pytest.mark.parametrize(
    "text",
    [PROSE.strip(), VERSE, SPEECH, LETTER, PLAY, LIST, FRENCH, "№ 5, 20 м², ½ версты… — 1/2; A&B"],
    ids=["prose", "verse", "speech", "letter", "play", "list", "french", "signs"],
)
@pytest.mark.parametrize("chain", CHAINS)
def test_clean_text_is_not_changed(chain, text):
    assert clean(text, *CHAINS[chain]) == text


@pytest.mark.parametrize("chain", CHAINS)
@thorough
@given(texts(NASTY))
def test_the_letters_й_and_ё_are_never_lost(chain, texts):
    start = "ёлка, йод, Ёж и Йена:"
    given = [f"{start} {text}" for text in texts]
    assert all(text.startswith(start) for text in cleaned(given, CHAINS[chain]))


def test_an_empty_and_a_missing_text_stay_so():
    assert cleaned(["", None], CLASSICS) == ["", None]
    assert cleaned(["", None], STANDARD) == ["", None]


def test_a_source_without_title_and_author_is_cleaned_as_well():
    text = "Было раннее утро -- и над рекою стоял туман."
    for chain in CHAINS.values():
        assert clean(text, *chain, title=None, author=None) == text.replace("--", "—")


def test_an_unknown_rule_names_the_nearest():
    with pytest.raises(UserError, match="'dashs' is unknown; did you mean 'dashes'"):
        select_rules(["spaces", "dashs"])
    with pytest.raises(UserError, match="'zzz' is unknown; there are: line_ends, entities"):
        select_rules(["zzz"])


@pytest.mark.parametrize("name", sorted(path.stem for path in (CONF / "sources").glob("*.yaml")))
def test_the_rules_of_the_sources_that_come_with_the_project_exist(name):
    rules = read_source(name).get("rules") or list(STANDARD)
    assert [rule.name for rule in select_rules(rules)] == rules
