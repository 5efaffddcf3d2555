"""Dashes, quotation marks and punctuation: one way to write each, and hyphens and speech intact."""

from __future__ import annotations

import pytest

from femtogpt.corpus.rules import STANDARD
from tests.cleaning import clean


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("- Да.\n- Нет.", "— Да.\n— Нет."),
        ("-Да, -сказал он. -Нет.", "— Да, — сказал он. — Нет."),
        ("да -- нет --- да", "да — нет — да"),
        ("да \u2013 нет \u2212 да \u2015 нет", "да — нет — да — нет"),
        ("Приди,- сказал он,- поскорее", "Приди, — сказал он, — поскорее"),
        ("кто\u2011то, из\u2010за", "кто-то, из-за"),
        ("как -то раз, кто- нибудь", "как-то раз, кто-нибудь"),
        ("в 1812-1813 годах, страницы 5-7", "в 1812—1813 годах, страницы 5—7"),
        ("- - -", "— — —"),
        ("-", "—"),
        ("конец -\nначало", "конец —\nначало"),
        ("«Вперёд!»-крикнул он.-Живо!", "«Вперёд!» — крикнул он. — Живо!"),
        ("Вижу за стеною-\nШутовской маскарад", "Вижу за стеною —\nШутовской маскарад"),
        ("обедали- «по-русски»", "обедали — «по-русски»"),
    ],
)
def test_a_hyphen_for_a_dash_becomes_one(text, cleaned):
    assert clean(text, "dashes") == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "что-то, по-русски, Ростов-на-Дону, иван-чай",
        "1-й полк, 5-го числа, 20-летний",
        "тел. 8-912-345-67-89, 2020-01-15",
        "минус \u22125° и \u221212,5",
        "А-а-а! Что-о?",
        "Т-ский уезд, господин К—в",
        "Римский-\nКорсаков",
        "С.-Петербург, Ж.-Ж. Руссо, Н.-Новгород",
        "читал «Онегина»-то, назвал „лицом“-с",
    ],
)
def test_hyphens_within_words_and_numbers_stay(text):
    assert clean(text, "dashes", "loose_hyphens") == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Температура –5 °С и –12,5°.", "Температура \u22125 °С и \u221212,5°."),
        ("от –10 до –20; На –1 этаже", "от \u221210 до \u221220; На \u22121 этаже"),
        ("x = –3; (–7); y ≥ –2", "x = \u22123; (\u22127); y ≥ \u22122"),
        ("Всего –5 рублей, кот –3 раза", "Всего — 5 рублей, кот — 3 раза"),
        ("–5 рублей, –сказал он.", "— 5 рублей, — сказал он."),
        ("в 20-х –30-х годах; Ту–154; 1941–1945", "в 20-х — 30-х годах; Ту—154; 1941—1945"),
        ("стол, -а, м.; дом, -ов; -ев.", "стол, -а, м.; дом, -ов; -ев."),
        ("Да, -сказал он. Нет, -да вот.", "Да, — сказал он. Нет, — да вот."),
    ],
)
def test_signs_of_numbers_and_endings_of_words_are_no_dashes(text, cleaned):
    assert clean(text, "dashes") == cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ('"Да", - сказал он.', "«Да», - сказал он."),
        ("“Да”, — сказал он.", "«Да», — сказал он."),
        ("„Да“, — сказал он.", "«Да», — сказал он."),
        ('Роман "Отцы и дети".', "Роман «Отцы и дети»."),
        ("«Читал ли ты «Нос»?» — спросил он.", "«Читал ли ты „Нос“?» — спросил он."),
        ('«Читал ли ты "Нос"?» — спросил он.', "«Читал ли ты „Нос“?» — спросил он."),
        ("<<Да>> — сказал он.", "«Да» — сказал он."),
        ("„Да” и „нет”. «Так»", "„Да“ и „нет“. «Так»"),
        ("сказал ”нет”", "сказал «нет»"),
        (",,Да'' и ``нет''", "«Да» и «нет»"),
    ],
)
def test_quotation_marks_are_angled_and_inner_ones_are_not(text, cleaned):
    assert clean(text, "quotes") == cleaned


@pytest.mark.parametrize(
    "text",
    [
        '19" и 5\' 6"',
        "«Первый абзац речи.\n«Второй абзац речи».",
        "«Он сказал: „Приду“ — и ушёл».",
        "если a<b и c>d",
    ],
)
def test_marks_that_are_right_or_stand_for_inches_stay(text):
    assert clean(text, "quotes") == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Как... Что?... Нет!.... «...вот»", "Как… Что?.. Нет!.. «…вот»"),
        ("Да.....", "Да…"),
        ("Он?!.. Она..", "Он?!.. Она.."),
    ],
)
def test_dots_are_one_sign_but_two_after_a_question(text, cleaned):
    assert clean(text, "ellipses") == cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Да , нет ; так : вот ! что ?", "Да, нет; так: вот! что?"),
        ("Он ( тот ) ушёл . « Вот »", "Он (тот) ушёл. «Вот»"),
        ("файл .txt, в .5 от", "файл .txt, в .5 от"),
        ("— , . …", "— , . …"),
    ],
)
def test_spaces_go_from_before_punctuation_alone(text, cleaned):
    assert clean(text, "punctuation") == cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Старый мель- ник. Спал мельник.", "Старый мельник. Спал мельник."),
    ],
)
def test_a_word_torn_at_its_hyphen_is_mended_if_the_text_has_it_elsewhere(text, cleaned):
    assert clean(text, "loose_hyphens") == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "трёх- или четырёхлетний",
        "За стеною-\nшумный маскарад",
        "Полу-\nночник",
        "— Иду-\nИду!",
    ],
)
def test_a_hyphen_of_which_the_text_tells_nothing_stays(text):
    assert clean(text, "loose_hyphens") == text


def test_direct_speech_reads_as_printed_books_have_it():
    text = '- "Кто там?"- спросил он,- отзовись!\n-Свои ,- был ответ...'
    assert clean(text, *STANDARD) == "— «Кто там?» — спросил он, — отзовись!\n— Свои, — был ответ…"


def test_an_apostrophe_is_one_sign_and_no_stress_mark_or_quotation_is_taken_for_it():
    assert clean("d'Artagnan, О'Нил", "apostrophes") == "d’Artagnan, О’Нил"
    assert clean("он сказал: 'так'", "typed_stress", "apostrophes") == "он сказал: 'так'"
