"""Rules that a source asks for; without them foreign words, ё, spelling and capitals stay."""

from __future__ import annotations

import pytest

from femtogpt.corpus.rules import STANDARD
from tests.cleaning import CHAINS, clean

FRENCH = "— Eh bien, mon prince, vous êtes servi à merveille.\n— Здравствуйте, ma chère!"
OLD = "Въ нѣкоторомъ царствѣ жилъ добрый міръ, и ѣли всѣ."


@pytest.mark.parametrize(
    "text", [FRENCH, OLD, "Ещё ёлка и елка", "ГЛАВА ПЕРВАЯ\n\nОн крикнул: ПРОЧЬ!"]
)
@pytest.mark.parametrize("chain", CHAINS)
def test_no_chain_touches_them_unasked(chain, text):
    assert clean(text, *CHAINS[chain]) == text


def test_foreign_passages_go_where_a_source_asks_for_it():
    assert clean(FRENCH, "foreign_passages") == "— Здравствуйте, ma chère!"
    assert clean("Роман Madame Bovary хорош.", "foreign_passages") == "Роман Madame Bovary хорош."


def test_ё_becomes_е_where_a_source_asks_for_it():
    assert clean("Ещё Ёж", "yo_to_ye") == "Еще Еж"


def test_the_old_spelling_becomes_the_new_one_and_a_quotation_of_it_stays():
    assert clean(OLD, "old_spelling") == "В некотором царстве жил добрый мир, и ели все."
    assert clean("Газета «Русь» стоила пять копѣекъ.", "old_spelling").startswith("Газета «Русь»")
    assert (
        clean("і — десятеричное, и съезд, объём", "old_spelling")
        == "і — десятеричное, и съезд, объём"
    )


def test_shouting_is_calmed_and_abbreviations_stay():
    assert clean("ЧАСТЬ ПЕРВАЯ\nСССР и США", "shouting") == "Часть первая\nСССР и США"


@pytest.mark.parametrize(
    ("word", "new"),
    [
        ("Росс\u0069я", "Россия"),
        ("Росс\u00efя", "Россия"),
        ("ист\u00f3р\u0069я", "история"),
        ("\u0049юнь", "Июнь"),
        ("м\u0069ръ", "мир"),
        ("ИСТОР\u0049Я", "ИСТОРИЯ"),
        ("\u0049ИСУСЪ", "ИИСУС"),
        ("пр\u0069\u0069де", "приидe".replace("e", "е")),
    ],
)
def test_a_latin_i_of_the_old_spelling_becomes_и(word, new):
    cleaned = clean(f"{OLD} {word}, глава III и IV.", *STANDARD, "old_spelling")
    assert cleaned.endswith(f" {new}, глава III и IV.")


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("Россiя, мiръ и исторiя; лѣсъ и домъ.", "Россія, міръ и исторія; лѣсъ и домъ."),
        ("Iюнь и ИСТОРIЯ; съ нимъ въ лѣсу.", "Іюнь и ИСТОРІЯ; съ нимъ въ лѣсу."),
        (
            "Истóрiя, жизнiю, большiя рѣки; онъ далъ ихъ.",
            "Исторія, жизнію, большія рѣки; онъ далъ ихъ.",
        ),
        ("Россiя и мiр сегодня.", "Россiя и мiр сегодня."),
        ("въ домѣ онъ читалъ IIй томъ и iPhone", "въ домѣ онъ читалъ IIй томъ и iPhone"),
    ],
)
def test_a_latin_i_of_the_old_spelling_becomes_cyrillic_in_any_text(text, mended):
    assert clean(text, "lookalikes") == mended
