"""The cleaning rules: what each does, and what none of them may do."""

from __future__ import annotations

import html
import html.entities
import unicodedata

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from femtogpt.config_file import CONF, read_source
from femtogpt.corpus.rules import RULES, STANDARD, chosen
from femtogpt.errors import UserError
from tests.helpers import PROSE, VERSE, quick

CLASSICS = read_source("classics")["rules"]
WHOLE = (  # nothing that only the removal of something else would make markup or a letter
    *"аеиАЁёЙйжыѣіqN1 \n\t\r.,!?—–-«»",
    *"\0\x01\x0b\x0c\x1f\x7f\x85\u00a0\u00ad\u1680\u2009\u200b\u200d\u2010\u2011\u2028\u2029",
    *"\u202f\u2060\u2212\u2581\u3000\ufeff\ufffd\u0400\u045d\U0001f600",
    *("\r\n", "--", " - ", "\n- ", "- - ", "\n\n\n", "  ", "слово", "[12]", "{3}", " [4]"),
    *("<b>", "</i>", "<br/>", "<hr>", "<p class=x>", "&amp;", "&nbsp;", "&mdash;", "&#233;"),
    *("&#xe9;", "&#8232;", "&shy;", "а\u0301", "и\u0306", "е\u0308", "и\u0306\u0301", "ё\u0301"),
)
NASTY = (*WHOLE, *"<>/&;#[]{}\u0300\u0301\u0306\u0308", "&lt;", "&gt;", "1]", "b>", "i>", "amp;")


def texts(parts: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    """Some texts of these parts: a frame of ten costs as much as one of one."""
    text = st.lists(st.sampled_from(parts), max_size=12).map("".join)
    return st.lists(text, min_size=1, max_size=10)


thorough = settings(quick, max_examples=50)


def cleaned(texts: list[str], names: list[str]) -> list[str]:
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String}).with_columns(
        title=pl.lit("Тоска"), author=pl.lit("Чехов")
    )
    for rule in chosen(names):
        frame = frame.with_columns(rule.apply(pl.col("text")))
    return frame["text"].to_list()


def clean(text: str, *names: str) -> str:
    return cleaned([text], list(names))[0]


@pytest.mark.parametrize("name", RULES)
def test_a_rule_does_what_its_example_says_and_says_what_it_does(name):
    assert clean(RULES[name].before, name) == RULES[name].after
    assert RULES[name].purpose


@pytest.mark.parametrize("name", RULES)
def test_a_rule_applied_twice_does_nothing_more(name):
    @thorough
    @given(texts(WHOLE))
    def twice(texts):
        once = cleaned(texts, [name])
        assert cleaned(once, [name]) == once

    twice()


@thorough
@given(texts(WHOLE))
@example(["и\u0306\u0301"])  # й with a stress, taken apart
@example(["- - -"])
@example(["раз&#8232;два"])
def test_the_chain_of_the_classics_applied_twice_does_nothing_more(texts):
    once = cleaned(texts, CLASSICS)
    assert cleaned(once, CLASSICS) == once


@thorough
@given(texts(NASTY))
def test_the_chain_leaves_no_dirt(texts):
    for text in cleaned(texts, CLASSICS):
        kinds = {char: unicodedata.category(char) for char in text if char not in " \n"}
        assert not set(kinds.values()) & {"Cc", "Zl", "Zp", "Zs"}
        assert not set(text) & set("\u00ad\u200b\u2060\ufeff\ufffd\u2581")
        assert "  " not in text
        assert "\n\n\n" not in text
        assert all(line == line.strip() for line in text.split("\n"))


@pytest.mark.parametrize(
    "text",
    [PROSE.strip(), VERSE, "№ 5, 20 м², ½ версты… — 1/2 «ﬁ»; A&B"],
    ids=["prose", "verse", "signs"],
)
@pytest.mark.parametrize("name", sorted({*STANDARD, *CLASSICS}))
def test_clean_russian_is_not_changed(name, text):
    assert clean(text, name) == text


@thorough
@given(texts(NASTY))
def test_the_letters_й_and_ё_are_never_lost(texts):
    start = "ёлка, йод, Ёж и Йена:"
    assert all(
        text.startswith(start) for text in cleaned([f"{start} {t}" for t in texts], CLASSICS)
    )


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


def test_line_ends_of_every_system_mean_the_same():
    for end in ("\n", "\r\n", "\r", "\u2028", "\u2029", "\x85"):
        assert clean(end.join(["да", "", "нет"]), "line_ends") == "да\n\nнет"


REFERENCES = [f"&{name}" for name in html.entities.html5 if name.endswith(";")]


@thorough
@given(st.lists(st.sampled_from([*REFERENCES, "&#8212;", "&#1105;", "&#x451;", "я", " "])))
def test_references_are_those_of_html(parts):
    text = "".join(parts)
    assert clean(text, "entities") == html.unescape(text)


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
    rules = read_source(name).get("rules") or list(STANDARD)
    assert [rule.name for rule in chosen(rules)] == rules
