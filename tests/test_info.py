"""What an info.csv says of the works beside it."""

from __future__ import annotations

import zipfile
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.sources.info import key_of, matched, rows_of
from tests.files import PNG, as_folder, as_zip, documents, read
from tests.helpers import PROSE, VERSE, quick


@pytest.mark.parametrize(
    ("row", "year"),
    [
        ("Дуэль,1891", 1891),
        ("дуэль,1891", 1891),
        ("«Дуэль!»,1891", 1891),
        ("Дуэль.txt,1891", 1891),
        ("Дуэль,1890-1891", 1891),
        ('"Дуэль","1891 г."', 1891),
        ("Дуэль,1891-10-22", 1891),
        ("Дуэль,", None),
        ("Дуэль", None),
        ("Дуэль,18910", None),
        ("Чайка,1896", None),
        ('"Дуэль,1891\n' + "Чайка,1896\n" * 12_000, 1891),  # a quote is open
    ],
)
def test_it_gives_the_year_in_spite_of_case_and_punctuation(row, year, tmp_path):
    files = {"Чехов/Дуэль.txt": PROSE, "Чехов/info.csv": f"name,year\n{row}\n"}
    (document,) = documents(as_folder(tmp_path / "texts", files), tmp_path / "raw")
    assert document.year == year


def test_it_counts_for_its_own_folder_and_for_names_with_ё(tmp_path):
    files = {
        "Бунин/Ёлка.txt": PROSE,
        "Бунин/info.csv": "\ufeffname,year\nЕлка,1872\n",
        "Куприн/Ёлка.txt": VERSE,
        "Куприн/Info.csv": "year,name\n1911,ЁЛКА.\n",
        "Чехов/Ёлка.txt": VERSE,
    }
    found = documents(as_zip(tmp_path / "texts.zip", files), tmp_path / "raw")
    years = {document.author: document.year for document in found}
    assert years == {"Бунин": 1872, "Куприн": 1911, "Чехов": None}


@pytest.mark.parametrize(
    "content",
    [
        "name,title,author,year\nduel,Дуэль,А. П. Чехов,1891\n",
        "Файл;Название;Автор;Год\nduel.txt;Дуэль;А. П. Чехов;1891\n",
        "YEAR\tName \tAUTHOR\tTitle\n1891\tDuel\tА. П. Чехов\tДуэль\n",
        "name|title|author|year|note\nduel|Дуэль|А. П. Чехов|1891\n",
    ],
)
def test_its_columns_come_in_any_order_and_with_any_delimiter(content, tmp_path):
    files = {"duel.txt": PROSE, "info.csv": content.encode("cp1251")}
    (document,) = documents(as_folder(tmp_path / "t", files), tmp_path / "raw")
    assert (document.title, document.author, document.year) == ("Дуэль", "А. П. Чехов", 1891)


def test_it_counts_more_than_what_the_name_of_the_file_says(tmp_path):
    files = {
        "Чехов - Дуэль (1899).txt": PROSE,
        "info.csv": "name,year\nЧехов - Дуэль (1899),1891\n",
    }
    (document,) = documents(as_folder(tmp_path / "t", files), tmp_path / "raw")
    assert (document.title, document.author, document.year) == ("Дуэль", "Чехов", 1891)


def test_a_name_with_a_comma_and_no_quotes_is_whole():
    rows = rows_of("name,year\nВчерашний день, часу в шестом...,1848\n")
    assert [(row.name, row.year) for row in rows] == [("Вчерашний день, часу в шестом...", 1848)]


@pytest.mark.parametrize(
    ("name", "stem", "same"),
    [
        ("Республика Юного Креста", "Республика Южного Креста", True),
        ("Повреджённый дневник", "Повреждённый дневник", True),
        ("Чaйка", "Чайка", True),  # the first with a Latin a
        ("Чайка", "Шайка", False),  # too short for a slip
        ("Записки охотника 1", "Записки охотника 2", False),
        ("Стихотворения том I", "Стихотворения том II", False),
        ("Стихотворения. Книга вторая", "Стихотворения. Книга третья", False),
    ],
)
def test_a_slip_of_two_letters_in_a_long_name_is_forgiven(name, stem, same):
    assert (stem in matched(rows_of(f"name,year\n{name},1900\n"), [stem])) == same


def test_a_slip_is_not_forgiven_where_it_leaves_a_choice():
    rows = rows_of("name,year\nРассказ о старом доме,1900\n")
    assert matched(rows, ["Рассказ о старом томе", "Рассказ о старом коме"]) == {}
    rows = rows_of("name,year\nРассказ о старом доме,1900\nРассказ о старом коме,1901\n")
    assert matched(rows, ["Рассказ о старом томе"]) == {}


@pytest.mark.parametrize(
    "content",
    [PNG, "", "name\n", "a,b\nДуэль,1891\n"],
    ids=["png", "empty", "no year", "other columns"],
)
def test_one_that_cannot_be_used_stops_nothing(content, tmp_path):
    files = {"info.csv": content, "Дуэль.txt": PROSE}
    (document,) = documents(as_folder(tmp_path / "t", files), tmp_path / "raw")
    assert (document.text, document.year) == (PROSE, None)


@quick
@given(st.text())
def test_any_text_as_a_list_gives_rows_or_none(text):
    for row in rows_of(text) + rows_of("name,year\n" + text):
        assert row.name


@quick
@given(st.text(alphabet="абвгдеёйьъяАБВГДЕЁЙabcXYZ 0123456789.,!?«»-—()", max_size=30))
def test_case_ё_and_punctuation_do_not_count_in_a_name(name):
    assert key_of(name.upper().replace("Ё", "Е") + "!") == key_of(f"«{name.lower()}»")


def test_every_row_of_the_classics_has_its_file(classics):
    with zipfile.ZipFile(classics) as zipped:
        names = [PurePosixPath(name) for name in zipped.namelist()]
        for info in (name for name in names if name.name == "info.csv"):
            stems = {name.stem for name in names if name.parent == info.parent} - {"info"}
            rows = rows_of(zipped.read(str(info)).decode())
            assert len(matched(rows, stems)) == len(rows), info


def test_a_list_that_cannot_be_used_is_told_and_the_texts_are_read(tmp_path, caplog):
    files = {"info.csv": "цена;вес\n1;2\n", "б/info.csv": PNG, "Дуэль.txt": PROSE}
    assert read(as_folder(tmp_path / "t", files), tmp_path / "raw") == {"Дуэль": PROSE}
    (line,) = caplog.messages
    assert "info.csv list without a column of names, or damaged, not used: 2" in line
