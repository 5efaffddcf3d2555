"""The kinds of source that hold texts: files of all forms together."""

from __future__ import annotations

import random

import pytest

from femtogpt.errors import UserError
from femtogpt.sources.base import Document, unique_ids
from femtogpt.sources.interviews import Interviews
from femtogpt.sources.texts import Files
from femtogpt.sources.wiki import Wiki
from tests import books
from tests.files import COMPRESS, PNG, READ, WORKS, as_folder, as_tar, as_zip, documents, read
from tests.helpers import PROSE, VERSE


def test_a_folder_gives_its_texts_with_title_author_and_path(tmp_path):
    folder = as_folder(tmp_path / "texts", {**WORKS, "проза/Чехов/cover.png": PNG})

    found = [(doc.id, doc.title, doc.author) for doc in documents(folder, tmp_path / "raw")]

    assert found == [
        ("Записка", "Записка", None),
        ("проза/Чехов/Дуэль", "Дуэль", "Чехов"),
        ("стихи/Пушкин/Осень", "Осень", "Пушкин"),
    ]


def test_the_same_source_gives_the_same_documents_in_the_same_order(tmp_path):
    files = {f"{name}.txt": f"{name} {PROSE}" for name in "вбагд"}
    first, second = (as_folder(tmp_path / str(turn), files) for turn in (1, 2))
    assert documents(first, tmp_path / "a") == documents(second, tmp_path / "b")


@pytest.mark.parametrize("make", [as_folder, as_zip])
def test_files_whose_names_differ_in_the_ending_alone_are_several_documents(make, tmp_path):
    target = {as_folder: "texts", as_zip: "texts.zip"}[make]
    files = {"Дуэль.txt": PROSE, "Дуэль.TXT": VERSE, "Дуэль.fb2": books.fb2(), "Осень.txt": VERSE}
    texts = read(make(tmp_path / target, files), tmp_path / "raw")
    assert texts == {
        "Дуэль.TXT": VERSE,
        "Дуэль.fb2": books.BOOK,
        "Дуэль.txt": PROSE,
        "Осень": VERSE,
    }


def test_files_of_one_name_in_two_archives_of_one_name_are_two_documents(tmp_path):
    folder = as_folder(tmp_path / "t", {"Чехов/Дуэль.txt": PROSE})
    as_zip(folder / "Чехов.zip", {"Дуэль.txt": VERSE, "Чайка.txt": PROSE})
    texts = read(folder, tmp_path / "raw")
    assert texts.keys() == {"Чехов/Дуэль.txt", "Чехов/Дуэль.txt#2", "Чехов/Чайка"}


def test_what_a_book_says_of_itself_counts_more_than_its_name_and_less_than_a_list(tmp_path):
    files = {
        "Иной - Другая (1999).fb2": books.fb2(),
        "b.epub": books.epub(),
        "info.csv": "name,year\nb,1886\n",
    }
    first, second = sorted(
        documents(as_folder(tmp_path / "t", files), tmp_path / "raw"), key=lambda doc: doc.id
    )
    assert (second.title, second.author, second.year) == (
        *("Мельник и сом", "Иван Петрович Речной", 1887),
    )
    assert (first.title, first.year) == ("Мельник и сом", 1886)


def test_where_it_is_asked_for_a_file_that_is_not_text_stops_and_is_named(tmp_path):
    folder = as_folder(tmp_path / "texts", {**WORKS, "проза/обложка.txt": PNG})
    with pytest.raises(UserError, match=r"проза/обложка\.txt cannot be read.*not_text=reject"):
        read(folder, tmp_path / "raw", not_text="stop")


@pytest.mark.parametrize("kind", [Interviews, Wiki])
def test_every_kind_that_reads_files_can_stop_at_one_that_cannot_be_read(kind, tmp_path):
    folder = as_folder(tmp_path / "texts", {"a.json": "{", "b.jsonl": '{"messages": []}\n'})
    assert any(document.fault for document in kind(path=folder).documents(folder))
    with pytest.raises(UserError, match=r"^a\.json cannot be read .*not_text=reject"):
        list(kind(path=folder, not_text="stop").documents(folder))


def test_rejecting_files_that_are_not_text_gives_them_without_text(tmp_path):
    folder = as_folder(tmp_path / "texts", {**WORKS, "проза/обложка.txt": PNG})
    texts = read(folder, tmp_path / "raw", not_text="reject")
    assert texts == {**READ, "проза/обложка": ""}


def test_ids_become_unique_and_depend_on_nothing_but_those_before():
    texts = [Document(id, "") for id in ("a", "a#2", "a", "a", "b\udcff", "")]
    pages = [Document(id, "", file=file) for file in ("x", "y") for id in ("7", "7", "", "")]
    assert [document.id for document in unique_ids([*texts, *pages])] == [
        *("a", "a#2", "a#3", "a#4", "b\\udcff", ""),
        *("7", "7 in x", "x", "x#2", "7 in y", "7 in y#2", "y", "y#2"),
    ]


def test_weight_and_place_do_not_count_as_reading_but_rules_do(tmp_path):
    source = Files(path=tmp_path, rules=("spaces",))
    assert source.reading() == Files(path=tmp_path / "x", rules=("spaces",), weight=3).reading()
    assert source.reading() != Files(path=tmp_path, rules=("dashes",)).reading()
    assert source.reading() != Files(path=tmp_path, rules=("spaces",), not_text="stop").reading()


def test_documents_are_given_one_at_a_time(tmp_path):
    """While the first of many large files is read, the others are not in memory."""
    import tracemalloc

    files = {f"{number}.txt": "да " * 1_000_000 for number in range(20)}
    (tmp_path / "raw").mkdir()
    as_zip(tmp_path / "raw" / "t.zip", files)
    tracemalloc.start()
    for document in Files(path=tmp_path).documents(tmp_path / "raw"):
        assert len(document.text) == 3_000_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000_000


def test_damage_of_any_kind_is_told_and_stops_nothing_else(tmp_path):
    good = {
        "a.fb2": books.fb2("windows-1251"),
        "b.epub": books.epub(),
        "c.txt": PROSE.encode("utf-16"),
        "d.csv": f'id,text\nx,"{PROSE}"\ny,{VERSE.splitlines()[0]}\n'.encode(),
        "e.txt.gz": COMPRESS[".gz"](PROSE.encode()),
        "f.tar.xz": as_tar(tmp_path / "f.tar.xz", WORKS).read_bytes(),
        "g.zip": as_zip(tmp_path / "g.zip", WORKS).read_bytes(),
    }
    draw = random.Random(0)
    faulty = 0
    for turn in range(300):
        name = draw.choice(list(good))
        data = bytearray(good[name])
        for _ in range(draw.choice((1, 3, 20))):
            position = draw.randrange(len(data))
            data[position : position + draw.choice((0, 1, 30))] = draw.randbytes(draw.randrange(3))
        folder = as_folder(tmp_path / str(turn), {"a/Осень.txt": VERSE, name: bytes(data)})
        found = list(Files(path=folder).documents(folder))
        assert VERSE in [document.text for document in found]
        assert all(document.text == "" for document in found if document.fault)
        faulty += any(document.fault for document in found)
    assert faulty > 150
