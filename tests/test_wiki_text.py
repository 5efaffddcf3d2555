"""Wikitext becomes the text that a reader sees."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.sources.wiki.inline import MAX_PARSED_CHARACTERS
from femtogpt.sources.wiki.site import Site
from femtogpt.sources.wiki.wikitext import article_text
from tests.helpers import PROSE, VERSE, quick

SITE = Site(language="ru", base="https://ru.wikipedia.org/wiki/")


def text(wikitext: str, **settings) -> str:
    return article_text(wikitext, "Проба", SITE, **settings)


@pytest.mark.parametrize(
    ("wikitext", "expected"),
    [
        ("'''Дом''' — ''это'' '''''дом'''''.", "Дом — это дом."),
        ("[[Дом]]а и [[река|реки]], [[Дом#Окна|окна]] [[#Ниже]]", "Дома и реки, окна Ниже"),
        ("[http://a.ru Сайт] стоит[http://b.ru].", "Сайт стоит."),
        ("Идёт[[Категория:Дома|Х]] [[en:House]]дождь [[Файл:a.jpg|мини|Вид]].", "Идёт дождь."),
        ("Слово [[wikt:дом|дом]], [[:en:House|англ. дом]].", "Слово дом, англ. дом."),
        ("[[Звёздные войны: Эпизод I]]", "Звёздные войны: Эпизод I"),
        ("[[Файл:a.jpg|мини|[[Дом|Вид]] и [http://b.ru ещё [1]] {{s|да}}]]Река.", "Река."),
        ("Был<ref>Книга {{книга|А}}</ref> и<ref name=a /> есть<!-- нет -->.", "Был и есть."),
        (
            "Где <math>\\frac{1}{2}</math>, там<gallery>\nФайл:a.jpg|б\n</gallery>.",
            "Где, там.",
        ),
        ("Где <math> x </math> и <math>a > 0, b = 1</math>.", "Где x и a > 0, b = 1."),
        ("Где {{math|x {{=}} 1}}.", "Где x = 1."),
        ("'''{{bt-ruslat|Дуб|Quercus}}''' ({{btname|Salix|L.}})", "Дуб (лат. Quercus) (Salix L.)"),
        ("10<sup>6</sup> м<sup>2</sup>, H<sub>2</sub>O", "10⁶ м², H2O"),
        ("раз<br>два<br />три", "раз\nдва\nтри"),
        ("<poem>\nраз\nдва\n</poem>", "раз\nдва"),
        ('<span style="display:none">а</span><div class="x">б</div>', "б"),
        ("<nowiki>[[не]] ''так''</nowiki> [[так]]", "[[не]] ''так'' так"),
        ("* раз\n** два\n# три\n:: четыре", "раз\nдва\nтри\nчетыре"),
        ("; Термин : значение\n; Другой: да", "Термин: значение\nДругой: да"),
        ("__NOTOC__Дом__БЕЗ_ОГЛАВЛЕНИЯ__", "Дом"),
        ("да&nbsp;&mdash; &laquo;нет&raquo; &#233;", "да — «нет» é"),
        ("раз\n{| class=x\n! а\n|-\n| {{s|б}}\n{|\n| в\n|}\n|}\nдва", "раз\n\nдва"),
        ("раз <table><tr><td>а<table></table></td></tr></table>два", "раз два"),
    ],
)
def test_markup_goes_and_text_stays(wikitext, expected):
    assert text(wikitext) == expected


@pytest.mark.parametrize(
    ("wikitext", "expected"),
    [
        ("{{s|5 мая}} {{nobr|10 кг}} {{comment|слово|подсказка}}", "5 мая 10 кг слово"),
        (
            "{{lang|fr|Ville}}, {{Lang-lt|Kava}}, {{lang-en2|House}}",
            "Ville, лит. Kava, House",
        ),
        ("в {{нп5|Дом (кино)|доме|en|House}}, {{Не переведено|Сад||en|Garden}}", "в доме, Сад"),
        (
            "{{число|65300|км²}}, {{formatnum:1234567.8}}",
            "65 300 км², 1 234 567,8",
        ),
        ("{{дата|2000|7|25}}, {{СС3|25.7.2000}}", "25 июля 2000, 25 июля 2000"),
        ("{{OldStyleDate|12 мая|1880|30 апреля}}", "30 апреля (12 мая) 1880"),
        ("{{СС2|19|ноября|1711|8}}", "8 (19) ноября 1711"),
        ("{{дробь|3|4}}, 5{{e|6}}", "3/4, 5·10⁶"),
        ("Литва{{ударение}} {{тире}} да", "Литва\u0301 — да"),
        ("{{цитата|Тише едешь — [[даль]]ше будешь.|Народ}}", "Тише едешь — дальше будешь."),
        ("{{цитата|автор=Народ|текст=Тише.}}", "Тише."),
        ("{{s|{{lang|en|{{nobr|a b}}}}}} {{шаблон:s|так}}", "a b так"),
        ("{{PAGENAME}}, {{М.}}", "Проба, М."),
        ("Дом{{нет АИ|1|2|2020}} {{главная|Дома}}стоит{{-1|{{а|{{б}}}}}}.", "Дом стоит."),
    ],
)
def test_templates_that_readers_read_are_expanded_and_others_go(wikitext, expected):
    assert text(wikitext) == expected


def test_labels_of_languages_are_written_in_russian_only():
    wikitext = "({{lang-lt|Lietuva}})"
    assert text(wikitext) == "(лит. Lietuva)"
    assert article_text(wikitext, "Литва", Site(language="uk")) == "(Lietuva)"


@pytest.mark.parametrize(
    ("wikitext", "expected"),
    [
        ("Дом ({{х}}; {{lang-la|Domus}}) стоит.", "Дом (лат. Domus) стоит."),
        ("Дом ({{х}}; {{у}}) ({{х}}) стоит , да .", "Дом стоит, да."),
        ("Дом (река{{х}}, {{у}} ) и «, » запятая (,)", "Дом (река) и «,» запятая (,)"),
        ("Дом, {{х}}, {{у}}, сад  и   лес.", "Дом, сад и лес."),
        ("{{х}}, дом\n{{х}} —\n...", "дом"),
    ],
)
def test_holes_that_templates_leave_are_mended(wikitext, expected):
    assert text(wikitext) == expected


def test_headings_stay_without_marks_and_those_with_nothing_below_go():
    wikitext = (
        "Дом.\n== Пусто ==\n\n== Сад ==\n=== [[Розы]] ===\nРозы.\n=== Пусто ===\n{{х}}\n"
        "== История ==\n==== Век ====\nВек.\n== Конец =="
    )
    assert text(wikitext) == "Дом.\n\nСад\n\nРозы\n\nРозы.\n\nИстория\n\nВек\n\nВек."


def test_sections_of_references_go_unless_they_are_wanted():
    wikitext = (
        "Дом.\n== См. также ==\n* [[Сад]]\n== Примечания и ссылки ==\n{{примечания}}\n"
        "=== Комментарии ===\n* Да.\n== Литература ==\n* Иванов И. Дом. — М., 1999.\n"
        "== Ссылки ==\n[http://a.ru О доме] на сайте\n"
    )
    assert text(wikitext) == "Дом."
    kept = text(wikitext, references=True)
    assert "См. также\n\nСад" in kept and "Иванов И. Дом" in kept and "О доме на сайте" in kept


def test_a_section_on_literature_is_no_section_of_references():
    prose = " ".join(PROSE.split())
    assert prose in text(f"Дом.\n== Литература ==\n{prose}\n== Сад ==\nСад.")


@pytest.mark.parametrize(
    "opened",
    [
        "{{Карточка\n|имя=А\n|год=1",
        "{{карточка|имя=А",
        "{{карточка|{{s|А}}|{{",
        '{| class="x"\n|-\n! а\n| б',
        "<ref>",
        "<ref name=а>Книга",
        "<math>",
        "<gallery>\nФайл:a.jpg|б",
        "<div><table>",
        "[[Файл:a.jpg|мини|Вид",
        "[http://a.ru",
        "<!-- пояснение",
        "<nowiki>",
        "'''",
    ],
)
def test_what_is_not_closed_does_not_eat_the_article(opened):
    after = "И собака побежала вперёд. {{s|Мельник}} [[шаг|зашагал]] за нею."
    wikitext = f"Был туман. {opened}\n{after}\n\n== Вечер ==\nСтемнело<ref>Да.</ref>. {{{{х}}}}"
    found = text(wikitext)
    assert found.startswith("Был туман.")
    assert "И собака побежала вперёд. Мельник зашагал за нею." in found
    assert found.endswith("Вечер\n\nСтемнело.")
    assert not re.search(r"\{\{|\}\}|\{\||\|\}|\[\[|\]\]|<ref|^\|", found, re.MULTILINE)


def test_a_template_closed_only_in_a_later_section_does_not_eat_the_article():
    wikitext = "{{Карточка\n|имя=А\n\nБыл туман.\n\n== Вечер ==\nСтемнело.\n}}"
    assert text(wikitext) == "Был туман.\n\nВечер\n\nСтемнело."


PIECES = [
    *("{{", "}}", "{|", "|}", "[[", "]]", "[http://a.ru ", "]", "<ref>", "</ref>", "<ref/>"),
    *("<!--", "-->", "<b>", "</b>", "<nowiki>", "</nowiki>", "<table>", "</table>", "'''", "|"),
    *("\n", "\n== Дом ==\n", "\n* ", "s|", "lang|fr|", "Файл:a.jpg|", "=", "&lt;", "{", "}", "("),
    *("Был туман", ", ", "на реке", ". "),
]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
@quick
def test_no_markup_of_templates_is_left_whatever_the_wikitext(wikitext):
    found = text(wikitext)
    if "<nowiki>" not in wikitext:
        assert not re.search(r"\{\{|\}\}|^\||<ref>|<!--", found, re.MULTILINE)
    assert text(wikitext) == found
    assert found == found.strip() and "\n\n\n" not in found


@given(st.lists(st.sampled_from([*PROSE.split("\n"), *VERSE.split("\n")]), max_size=12))
@quick
def test_text_without_markup_stays_as_it_is(lines):
    plain = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    assert text(plain) == plain


@pytest.mark.parametrize(
    "mark", ["{{", "{{a|b\n", "[[", "<b>", "<ref>", "{|\n", "[http://a ", "<u x='", "'''a'' ", "(,"]
)
def test_piled_up_marks_do_not_take_for_ever(mark):
    found = text(mark * (2 * MAX_PARSED_CHARACTERS // len(mark)) + "\n\nБыл туман.")
    assert found.endswith("Был туман.")


def test_deep_nesting_is_left_out_and_the_rest_stays():
    assert text("Дом " + "{{s|" * 5000 + "а" + "}}" * 5000 + "стоит.") == "Дом стоит."
