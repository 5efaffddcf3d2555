"""Rules on single characters: references, tags, accents, spaces, line ends."""

from __future__ import annotations

import html
import html.entities
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.corpus.rules import STANDARD
from tests.cleaning import CLASSICS, clean, thorough


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
        ("его́, её̀, всѐ, ѝли, ЍЛИ", "его, её, все, или, ИЛИ"),
        ("café, naïve, Škoda", "café, naïve, Škoda"),
    ],
)
def test_stress_marks_go_from_cyrillic_alone(text, plain):
    assert clean(text, *CLASSICS) == plain


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
    ("text", "plain"),
    [
        ("<p>Раз.</p><p>Два.</p>", "Раз.\nДва."),
        ("Раз<br>два<br/>три", "Раз\nдва\nтри"),
        ("<div>Раз</div><div class=x>Два</div>", "Раз\nДва"),
        ("<h1>Глава</h1>Текст<ul><li>раз</li><li>два</li></ul>", "Глава\nТекст\nраз\nдва"),
        ("<title>Лес</title><P><B>Раз</B></P>", "Лес\nРаз"),
        ("<tr><td>а</td><td>б</td></tr><tr><td>в</td></tr>", "а б\nв"),
        ("<b>пер</b>вый, <i>вто</i><i>рой</i>", "первый, второй"),
        ("раз<br>, два</p>. Три", "раз, два. Три"),
        ("раз<br>\nдва</p> три", "раз\nдва три"),
    ],
)
def test_words_that_only_tags_kept_apart_stay_apart(text, plain):
    assert clean(text, "tags") == plain


def test_kinds_of_space_become_one_and_none_is_left_within_a_word():
    assert clean("раз\u00a0\u2009два\tтри", "spaces") == "раз два три"
    assert clean("сло\u00adво\ufeff\u200b\x7f", "invisible") == "слово"


@pytest.mark.parametrize(
    "emoji",
    [
        "👨\u200d👩\u200d👧\u200d👦",  # a family
        "❤\ufe0f\u200d🔥",
        "👩🏽\u200d💻",  # of a skin tone
        "🏳\ufe0f\u200d🌈",
        "🧑🏻\u200d❤\ufe0f\u200d💋\u200d🧑🏿",
    ],
)
@pytest.mark.parametrize("names", [("invisible",), STANDARD, CLASSICS])
def test_the_joiner_between_emoji_stays(emoji, names):
    text = f"Мы {emoji} дома{emoji}{emoji}"
    assert clean(text, *names) == text


@pytest.mark.parametrize(
    "text",
    [
        "сло\u200dво",
        "сло\u200cво",
        "👍\u200d слово",
        "сло\u200d👍во",
        "👍\u200c👍",
        "👍\u200d\u200d👍",
    ],
)
def test_joiners_elsewhere_go(text):
    assert clean(text, "invisible") == text.replace("\u200d", "").replace("\u200c", "")


def test_a_grave_accent_of_french_is_put_on_its_letter():
    assert clean("espe`ce", "loose_accents", "composed") == "espèce"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("чудн_о_, чт_о_ ж, _о_кна", "чудно, что ж, окна"),
        ("к`амням, Зельм`а, дерев`а", "камням, Зельма, дерева"),
        ("snake_case_name, _курсив_", "snake_case_name, _курсив_"),
    ],
)
def test_stress_that_signs_mark_goes(text, plain):
    assert clean(text, "typed_stress") == plain


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("молóчный, зáмок, бéлый, Пýшкин", "молочный, замок, белый, Пушкин"),
        ("молòчный, Óльга, Éлка", "молочный, Ольга, Елка"),
        ("ещë вëл", "ещё вёл"),
        ("молóчный, áнна", "молочный, анна"),
        ("cпасибо, yлица, pека, xлеб, Mосква, Bера, Tула, Hина, Kиев", None),
        ("веб-cайт, кто-тo, PОССИЯ", "веб-сайт, кто-то, РОССИЯ"),
        ("oсень, сaхар", "осень, сахар"),
    ],
)
def test_latin_letters_in_a_russian_word_become_cyrillic(text, plain):
    plain = plain or "спасибо, улица, река, хлеб, Москва, Вера, Тула, Нина, Киев"
    assert clean(text, *STANDARD) == plain


@pytest.mark.parametrize(
    "text",
    [
        "IT-отдел, C++, T-образный, x-координата, e-mail, Wi-Fi-сеть",
        "XXв, Xго, XIX-й век, глава XIV, в XIXв.",
        "Coca-Cola, Apple, iPhone, café, Škoda, São Paulo",
        "ШокоLand, Яndex, ТелеRadio, Ёlki",
        "витамин C, вариант a, ось y, CO и H",
        "Он сказал: a cop, he came.",
        "1. e4 e5 2. Кf3 Кc6 3. Сb5 a6 4. Сa4, Лe1, Фc2+",
    ],
)
def test_latin_words_and_names_stay(text):
    assert clean(text, "lookalikes") == text


def test_a_text_full_of_latin_letters_is_mended_whole():
    text = (
        "Старый мельник вышел на крыльцо, а собака ещё спала. С утра он ехал к реке, но у моста"
        " остановился: вода прибывала, и не было видно ни одной лодки. О чём он думал?"
    )
    to_latin = str.maketrans("асеорухкАСЕОРХКМТВН", "aceopyxkACEOPXKMTBH")
    assert clean(text.translate(to_latin), *STANDARD) == text


@pytest.mark.parametrize(
    "text",
    [
        "если a <b и c> d, то",
        "векторы <a> и <b>, среднее <p>",
        "Нажмите [править] и пишите.",
        "R&Dом; Q&Ans; ?a=1&section=2;",
        "Она [edit] вышла",
    ],
)
def test_words_between_signs_of_markup_stay(text):
    assert clean(text, *STANDARD) == text
