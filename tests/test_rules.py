"""The cleaning rules: what each does, and what none of them may do."""

from __future__ import annotations

import html
import unicodedata

import polars as pl
import pytest
from helpers import PROSE, VERSE, quick
from hypothesis import example, given
from hypothesis import strategies as st

from femtogpt.config import CONF, read_source
from femtogpt.corpus.rules import RULES, chosen
from femtogpt.errors import UserError

CLASSICS = read_source("classics")["rules"]
NASTY = (
    *"аеиЁйжыѣіAbq1 \n\t\r.,!?—–-«»<>/&;#[]{}",
    *"\0\x01\x0b\x0c\x1f\x7f\x85\u00a0\u00ad\u0300\u0301\u0306\u0308\u1680\u2009\u200b\u200d",
    *"\u2010\u2011\u2028\u2029\u202f\u2060\u2212\u2581\u3000\ufeff\ufffd\u0400\u045d\U0001f600",
    *("\r\n", "--", " - ", "\n- ", "- - ", "\n\n\n", "  ", "[12]", "{3}", " [4]", "[", "1]"),
    *("<b>", "</i>", "<br/>", "<hr>", "<p class=x>", "<", "b>", "i>"),
    *("&amp;", "&nbsp;", "&mdash;", "&#233;", "&#xe9;", "&#8232;", "&shy;", "&lt;", "&gt;"),
    *("слово", "и\u0306", "е\u0308", "и\u0306\u0301"),
)
texts = st.lists(st.sampled_from(NASTY), max_size=12).map("".join)
lines = st.text(st.characters(codec="utf-8"), max_size=30)


def clean(text: str, *names: str) -> str:
    frame = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    for rule in chosen(names):
        frame = frame.with_columns(rule.apply(pl.col("text")))
    return frame["text"][0]


@pytest.mark.parametrize("name", RULES)
def test_a_rule_does_what_its_example_says_and_says_what_it_does(name):
    assert clean(RULES[name].before, name) == RULES[name].after
    assert RULES[name].purpose


@pytest.mark.parametrize("name", RULES)
def test_a_rule_applied_twice_does_nothing_more(name):
    @quick
    @given(texts)
    def twice(text):
        once = clean(text, name)
        assert clean(once, name) == once

    twice()


@quick
@given(texts)
@example("и\u0306\u0301")  # й with a stress, taken apart
@example("- - -")
@example("раз&#8232;два")
@example("&am\u00adp;")
def test_the_chain_of_the_classics_applied_twice_does_nothing_more(text):
    once = clean(text, *CLASSICS)
    assert clean(once, *CLASSICS) == once


@quick
@given(texts)
def test_the_chain_leaves_no_dirt(text):
    cleaned = clean(text, *CLASSICS)
    assert not any(
        unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in cleaned if char != "\n"
    )
    assert not any(unicodedata.category(char) == "Zs" for char in cleaned if char != " ")
    assert not set(cleaned) & set("\u00ad\u200b\u2060\ufeff\ufffd\u2581")
    assert "  " not in cleaned
    assert "\n\n\n" not in cleaned
    assert all(line == line.strip() for line in cleaned.split("\n"))
    assert cleaned == unicodedata.normalize("NFC", cleaned)


@pytest.mark.parametrize("text", [PROSE.strip(), VERSE], ids=["prose", "verse"])
@pytest.mark.parametrize("name", RULES)
def test_clean_russian_is_not_changed(name, text):
    assert clean(text, name) == text


@quick
@given(texts)
def test_the_letters_й_and_ё_are_never_lost(text):
    with_marks = "ёлка, йод, Ёж и Йена: " + text
    cleaned = clean(with_marks, *CLASSICS)
    assert cleaned.startswith("ёлка, йод, Ёж и Йена:")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_й_and_ё_survive_in_whichever_form_they_come(form):
    text = "Ёжик и йогурт, съёжился, мой твой"
    assert clean(unicodedata.normalize(form, text), *CLASSICS) == text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("бо\u0301льшая, больша\u0301я", "большая, большая"),
        ("моё\u0301", "моё"),
        ("твои\u0306\u0301", "твой"),
        ("э\u0301то ю\u0301ный я\u0301вор", "это юный явор"),
        ("его́ ѝ", "его ѝ"),
        ("café, naïve, Škoda", "café, naïve, Škoda"),
    ],
)
def test_stress_marks_go_from_cyrillic_alone(text, plain):
    assert clean(text, *CLASSICS) == plain


def test_verse_keeps_its_lines_and_stanzas():
    messy = VERSE.replace("\n", " \r\n\t").replace(" ", "\u00a0")
    assert clean(messy, *CLASSICS) == VERSE


@quick
@given(st.lists(st.sampled_from(["да", "нет", "ещё", "—", "..."]), min_size=1, max_size=6))
def test_line_ends_of_every_system_mean_the_same(words):
    expected = "\n".join(words)
    for end in ("\r\n", "\r", "\u2028", "\u2029", "\x85"):
        assert clean(end.join(words), "line_ends") == expected


@quick
@given(lines.filter(lambda text: "&" not in text))
def test_references_are_those_of_html(text):
    referenced = "".join(f"&#{ord(char)};" if char in "<>«»—ё\u00a0é" else char for char in text)
    assert clean(referenced, "entities") == html.unescape(referenced)


@pytest.mark.parametrize(
    "reference", ["&#x2014;", "&#X2014;", "&#x02014;", "&#8212;", "&#08212;", "&mdash;", "&#151;"]
)
def test_a_dash_is_read_however_it_is_referenced(reference):
    assert clean(reference, "entities") == "—" == html.unescape(reference)


def test_letters_as_hexadecimal_references_come_in_either_case():
    assert clean("&#x44F;&#x44f;&#xAB;&#xab;", "entities") == "яя««"


@pytest.mark.parametrize(
    "text",
    [
        "если a < b и c > d, то",
        "x<y, y>z",
        "<<Вперёд!>> — крикнул он",
        "<...>",
        "<так в рукописи>",
        "R&D; Q&A; AT&T",
        "в [12345] году, массив a[i] и {множество}",
        "по-русски, кое-что, Ростов-на-Дону, 5-7",
    ],
)
def test_what_only_looks_like_markup_stays(text):
    assert clean(text, "entities", "tags", "footnote_marks") == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("- Да.\n- Нет.", "— Да.\n— Нет."),
        ("да -- нет --- да", "да — нет — да"),
        ("да \u2013 нет \u2212 да \u2015 нет", "да — нет — да — нет"),
        ("кто\u2011то, из\u2010за", "кто-то, из-за"),
        ("- - -", "— — —"),
        ("-", "—"),
        ("конец -\nначало", "конец —\nначало"),
        ("что-то, по-русски", "что-то, по-русски"),
    ],
)
def test_dashes_are_told_from_hyphens(text, cleaned):
    assert clean(text, "dashes") == cleaned


def test_an_unknown_rule_names_the_nearest():
    with pytest.raises(UserError, match="'dashs' is unknown; did you mean 'dashes'"):
        chosen(["spaces", "dashs"])
    with pytest.raises(UserError, match="'zzz' is unknown; there are: line_ends, entities"):
        chosen(["zzz"])


@pytest.mark.parametrize("name", sorted(path.stem for path in (CONF / "sources").glob("*.yaml")))
def test_the_rules_of_the_sources_that_come_with_the_project_exist(name):
    assert [rule.name for rule in chosen(read_source(name)["rules"])] == read_source(name)["rules"]
