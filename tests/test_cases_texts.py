"""The texts, books and archives in ../shared/cases; skipped where the folder is missing."""

from __future__ import annotations

import re
import unicodedata

import pytest

from femtogpt.corpus.rules import EDITION, STANDARD
from tests.cleaning import clean
from tests.files import documents, read
from tests.test_cases_interviews import case

PARAGRAPHS = [
    "Старый лесник каждое утро обходил свой участок, и собака его, рыжая и ленивая, плелась"
    " позади.",
    "Над болотом стоял туман, в котором перекликались утки, и было слышно, как далеко на станции"
    " гудит паровоз.",
    "Потом он садился на пень, доставал хлеб с салом и долго смотрел на воду, по которой плыли"
    " первые жёлтые листья.",
    "К обеду он возвращался в избу, топил печь и варил картошку, а вечером читал старые газеты.",
]


def letters(text: str) -> str:
    return "".join(char for char in text if unicodedata.category(char)[0] in "LN")


def read_case(name: str, tmp_path):
    (tmp_path / name).write_bytes(case(name))
    (document,) = documents(tmp_path / name, tmp_path / "raw")
    return document


@pytest.mark.parametrize("name", ["numbered-chapters", "numbered-verses", "recipe"])
@pytest.mark.parametrize("chain", [STANDARD, EDITION], ids=["standard", "edition"])
def test_no_number_of_a_text_is_taken_for_a_note(name, chain):
    text = case(f"{name}.txt").decode()
    assert letters(clean(text, *chain)) == letters(text)


@pytest.mark.parametrize("name", ["wrapped-soft-hyphen.txt", "wrapped-not-sign.txt"])
def test_words_broken_by_any_sign_are_whole_and_lines_are_paragraphs(name, tmp_path):
    text = clean(read_case(name, tmp_path).text, *STANDARD)
    assert not re.search("[\u00ad¬]|-(?!нибудь|то)", text)
    assert [line.split()[0] for line in text.split("\n")] == ["Старый", "К", "Ночью"]


def test_a_file_in_two_encodings_is_russian_to_its_end(tmp_path):
    document = read_case("two-encodings.txt", tmp_path)
    odd = [char for char in document.text if not re.match("[А-Яа-яЁё0-9\\s.,:;!?…«»—–-]", char)]
    assert not odd
    assert document.mended == ("parts in different encodings (cp1251, utf-8)",)


def test_stress_is_taken_from_words_and_old_spelling_is_modernised():
    stressed = clean(case("stress-ready-made-letters.txt").decode(), *STANDARD)
    assert not re.search("[A-Za-zÀ-ɏ\u0300\u0301]", stressed)
    modern = clean(case("old-spelling-latin-i.txt").decode(), *STANDARD, "old_spelling")
    assert "Россия, история, жизнию, Июнь, Иисус, мир" in modern
    assert not re.search("[A-Za-zіѣ]", modern)


@pytest.mark.parametrize(
    ("name", "chapters", "mended"),
    [
        ("undeclared-prefix.fb2", 1, "undeclared prefix"),
        ("empty-line-first.fb2", 1, "text before the XML"),
        ("undeclared-opf-prefix.epub", 3, "undeclared prefix"),
        ("page-missing.epub", 3, "pages missing in the archive, left out"),
        ("absolute-href.epub", 1, "pages found under another name"),
    ],
)
def test_a_book_with_a_slip_of_form_is_read(name, chapters, mended, tmp_path):
    document = read_case(name, tmp_path)
    found = [line for line in document.text.split("\n") if line in PARAGRAPHS]
    assert found == PARAGRAPHS * chapters
    assert (document.title, document.author) == ("Лесник", "Пётр Сосновский")
    assert mended in document.mended


def test_raised_and_lowered_digits_stay(tmp_path):
    text = clean(read_case("superscripts.epub", tmp_path).text, *STANDARD)
    assert "Площадь 5 м², масса 10⁶ кг, CO₂" in text


def test_a_page_of_a_library_is_the_work(tmp_path):
    document = read_case("library-page.shtml", tmp_path)
    assert document.text.startswith("Сосновский Пётр Ильич:\nЛесник\n\nАннотация:")
    assert document.mended == ("menus left out",)
    assert not re.search("Регистрация|Статистика|Связаться", document.text)


def test_names_in_an_archive_are_russian(tmp_path):
    (tmp_path / "a.zip").write_bytes(case("names-in-cp1251.zip"))
    assert list(read(tmp_path / "a.zip", tmp_path / "raw")) == [
        "Березина/Рябина (1911)",
        "Сосновский/Болото и туман",
        "Сосновский/Лесник",
    ]
