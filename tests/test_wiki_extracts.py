"""Articles that others have extracted from Wikipedia: Parquet and JSON Lines."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import polars as pl
import pytest

from femtogpt.errors import UserError
from tests.helpers import PROSE
from tests.wiki_pages import read

TITLES = ["Дом", "Список рек", "Замок (значения)", "Сад"]
STORY = " ".join(PROSE.split())
TEXT = f"Начало.\n\nИстория\n\n{STORY}\n\nСм. также\nСад\n\nПримечания\n\nСсылки\n О доме"


def rows(count: int | None = None) -> list[dict]:
    titles = TITLES if count is None else [f"Дом {number}" for number in range(count)]
    return [
        {"id": str(number), "url": f"https://a.ru/{number}", "title": title, "text": TEXT}
        for number, title in enumerate(titles, 1)
    ]


def as_parquet(found: list[dict]) -> bytes:
    data = io.BytesIO()
    pl.DataFrame(found).write_parquet(data)
    return data.getvalue()


def as_lines(found: list[dict]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found).encode()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("train-00000-of-00001.parquet", as_parquet(rows())),
        ("ruwiki.jsonl", as_lines(rows())),
        ("ruwiki.ndjson.gz", gzip.compress(as_lines(rows()))),
    ],
)
def test_extracts_are_read_without_lists_meanings_and_references(tmp_path: Path, name, data):
    first, last = read({name: data}, tmp_path)
    assert (first.id, first.title, first.url) == ("1", "Дом", "https://a.ru/1")
    assert first.licence == "CC BY-SA 4.0"
    assert first.text == TEXT[: TEXT.index("См. также")].strip()
    assert last.title == "Сад"
    kept = read({name: data}, tmp_path / "all", lists=True, references=True)
    assert [document.text for document in kept] == [TEXT] * 3


def test_extracts_of_many_rows_come_in_their_order(tmp_path: Path):
    found = rows(1200)
    files = {"a.parquet": as_parquet(found), "b.jsonl": as_lines(found[:3])}
    documents = read(files, tmp_path)
    assert [document.title for document in documents] == [f"Дом {n}" for n in range(1200)] + [
        f"Дом {n}" for n in range(3)
    ]
    assert [document.id for document in documents[1200:]] == [f"{n} in b.jsonl" for n in (1, 2, 3)]


SECTIONS = {
    "name": "Дом",
    "identifier": 5,
    "url": "https://ru.wikipedia.org/wiki/Дом",
    "license": [{"name": "CC BY-SA 3.0", "identifier": "CC-BY-SA-3.0"}],
    "sections": [
        {
            "type": "section",
            "name": "Abstract",
            "has_parts": [{"type": "paragraph", "value": "Дом стоит.", "links": []}],
        },
        {
            "type": "section",
            "name": "Части",
            "has_parts": [
                {
                    "type": "list",
                    "has_parts": [
                        {"type": "list_item", "value": "крыша"},
                        {"type": "list_item", "value": "стены"},
                    ],
                },
                {
                    "type": "section",
                    "name": "Окна",
                    "has_parts": [{"type": "paragraph", "value": "Окна светлые."}],
                },
                {"type": "section", "name": "Пусто", "has_parts": []},
            ],
        },
        {
            "type": "section",
            "name": "Примечания",
            "has_parts": [{"type": "paragraph", "value": "↑ Там же."}],
        },
    ],
}


def test_structured_articles_are_read_with_headings_and_lists(tmp_path: Path):
    (found,) = read({"a.jsonl": as_lines([SECTIONS])}, tmp_path)
    assert found.text == "Дом стоит.\n\nЧасти\n\nкрыша\nстены\n\nОкна\n\nОкна светлые."
    assert (found.id, found.title, found.licence) == ("5", "Дом", "CC BY-SA 3.0")
    assert found.url == "https://ru.wikipedia.org/wiki/Дом"


def test_articles_of_an_enterprise_dump_are_read_from_their_wikitext(tmp_path: Path):
    def line(number: int, wikitext: str, namespace: int = 0) -> dict:
        return {
            "name": f"Дом {number}",
            "identifier": number,
            "namespace": {"identifier": namespace},
            "in_language": {"identifier": "ru"},
            "article_body": {"wikitext": wikitext, "html": "<p></p>"},
        }

    found = [
        line(1, "'''Дом''' ({{lang-la|domus}}) [[стол|стоит]]."),
        line(2, "#REDIRECT [[Дом 1]]"),
        line(3, "Да.", namespace=10),
        line(4, "Дом.\n{{неоднозначность}}"),
    ]
    (document,) = read({"a.ndjson": as_lines(found)}, tmp_path)
    assert document.text == "Дом (лат. domus) стоит."


def test_a_line_that_is_no_article_is_told_and_the_others_are_read(tmp_path: Path):
    data = as_lines(rows(1)) + b"{broken\n\n[1]\n" + b'{"name": "a"}\n' + as_lines([SECTIONS])
    documents = read({"a.jsonl": data}, tmp_path)
    assert [document.id for document in documents] == ["1", "line 2", "line 4", "line 5", "5"]
    assert [bool(document.fault) for document in documents] == [False, True, True, True, False]
    assert documents[1].fault.startswith("line 2 is no article")


def test_of_cut_off_lines_the_whole_ones_are_read(tmp_path: Path, caplog):
    data = as_lines([{**row, "text": row["id"].zfill(3) * 1000} for row in rows(200)])
    packed = gzip.compress(data, 0)
    documents = read({"a.jsonl.gz": packed[: len(packed) // 2]}, tmp_path)
    assert 90 < len(documents) < 110
    assert not any(document.fault for document in documents)
    (message,) = caplog.messages
    assert "a.jsonl.gz can be read up to byte" in message


def test_a_damaged_parquet_file_is_rejected_and_one_of_other_columns_told(tmp_path: Path):
    data = as_parquet(rows(100))
    files = {"a.parquet": data[:-10], "b.parquet": data}
    first, *others = read(files, tmp_path / "damaged")
    assert (first.id, first.text) == ("a.parquet", "")
    assert first.fault.startswith("it is damaged")
    assert len(others) == 100
    with pytest.raises(UserError, match=r"a\.parquet: it has no column 'url'"):
        read({"a.parquet": as_parquet([{"id": 1, "text": "Дом."}])}, tmp_path / "other")


@pytest.mark.parametrize("sections", [SECTIONS["sections"], json.dumps(SECTIONS["sections"])])
def test_structured_articles_are_read_from_parquet(tmp_path: Path, sections):
    row = {**{name: SECTIONS[name] for name in ("name", "identifier", "url")}, "sections": sections}
    (found,) = read({"a.parquet": as_parquet([row])}, tmp_path)
    assert found.text == "Дом стоит.\n\nЧасти\n\nкрыша\nстены\n\nОкна\n\nОкна светлые."
    assert found.id == "5"


@pytest.mark.parametrize("name", ["ruwiki-20240101-cirrussearch-content.json.gz", "a.jsonl"])
def test_dumps_of_cirrussearch_are_read_from_their_wikitext(tmp_path: Path, name):
    def page(number: int, title: str, wikitext: str, **others) -> list[dict]:
        about = {"title": title, "text": f"{title}. Текст.", "language": "ru", "namespace_text": ""}
        index = {"index": {"_type": "page", "_id": str(number)}}
        return [index, {**about, "source_text": wikitext, "namespace": 0, **others}]

    lines = [
        *page(7, "Дом", "'''Дом''' стоит.<ref>Там же.</ref>\n== Части ==\nОкна."),
        *page(8, "Лук", "'''Лук''':\n* [[Лук (оружие)]]\n{{неоднозначность}}"),
        *page(9, "Шаблон:Дом", "Дом.", namespace=10),
        *page(10, "Сад", "", page_id=11),
    ]
    data = as_lines(lines)
    first, last = read({name: gzip.compress(data) if name.endswith("gz") else data}, tmp_path)
    assert (first.id, first.title, first.text) == ("7", "Дом", "Дом стоит.\n\nЧасти\n\nОкна.")
    assert first.url == "https://ru.wikipedia.org/wiki/Дом"
    assert (last.id, last.text) == ("11", "Сад. Текст.")


def test_a_file_of_another_kind_beside_extracts_does_not_stop_them(tmp_path: Path):
    files = {
        "a.jsonl": as_lines(rows(2)),
        "b.xml": b"<html><body>403 Forbidden</body></html>",
        "c.parquet": as_parquet([{"id": 1, "label": "Дом."}]),
        "info.json": b'{\n "rows": 2\n}',
    }
    found = read(files, tmp_path)
    assert {document.id for document in found if document.fault} == {
        "b.xml",
        "c.parquet",
        "info.json",
    }
    assert len(found) == 5
