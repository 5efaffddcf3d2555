"""Rows of CSV, JSON and Parquet as documents."""

from __future__ import annotations

import io
import json

import polars as pl
import pytest

from femtogpt.errors import UserError
from femtogpt.sources.base import Document
from tests.files import COMPRESS, PNG, as_file, as_folder, as_zip, documents, faults, read
from tests.helpers import PROSE, VERSE

ROWS = [
    {"id": "a", "text": PROSE, "title": "Мельник", "author": "Речной", "year": 1887},
    {"id": "b", "text": VERSE, "title": None, "author": None, "year": None},
]
EXPECTED = [
    Document("a", PROSE, title="Мельник", author="Речной", year=1887),
    Document("b", VERSE),
]


def csv(delimiter: str = ",", columns: str = "id,text,title,author,year") -> str:
    def cell(value: object) -> str:
        return '"' + str(value).replace('"', '""') + '"' if value is not None else ""

    names = columns.split(",")
    lines = [delimiter.join(cell(row.get(name)) for name in names) for row in ROWS]
    return "\r\n".join([delimiter.join(names), *lines, ""])


def jsonl(rows: list = ROWS) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def parquet(rows: list | dict = ROWS, **options) -> bytes:
    data = io.BytesIO()
    pl.DataFrame(rows).write_parquet(data, **options)
    return data.getvalue()


FORMS = {
    "a.csv": csv(),
    "semicolons.csv": csv(";"),
    "a.tsv": csv("\t"),
    "mark.csv": "\ufeff" + csv(),
    "empty lines first.csv": "\n\r\n" + csv(),
    "utf-16.csv": csv().encode("utf-16"),
    "a.jsonl": jsonl(),
    "a.ndjson": "\ufeff" + jsonl().replace("\n", "\r\n"),
    "ascii.jsonl": "\n\n".join(map(json.dumps, ROWS)),
    "a.json": json.dumps(ROWS, ensure_ascii=False, indent=1),
    "a.parquet": parquet(),
    "groups.parquet": parquet(row_group_size=1),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_row_is_a_document_with_what_is_known_of_it(name, tmp_path):
    assert documents(as_file(tmp_path / name, FORMS[name]), tmp_path / "raw") == EXPECTED


@pytest.mark.parametrize("encoding", ["cp1251", "koi8_r", "cp866"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
def test_rows_come_in_any_russian_encoding(name, encoding, tmp_path):
    content = FORMS[name].encode(encoding, "ignore")
    texts = read(as_file(tmp_path / name, content), tmp_path / "raw")
    assert texts["b"] == VERSE


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.zst", "a.parquet.xz", "t.zip"])
def test_tables_are_read_from_compressed_files_and_archives(name, tmp_path):
    if name == "t.zip":
        path = as_zip(tmp_path / name, {"a.parquet": FORMS["a.parquet"]})
    else:
        inner, _, ending = name.rpartition(".")
        content = FORMS[inner]
        content = content if isinstance(content, bytes) else content.encode()
        path = as_file(tmp_path / name, COMPRESS[f".{ending}"](content))
    assert documents(path, tmp_path / "raw") == EXPECTED


def test_columns_of_other_names_are_named_by_settings(tmp_path):
    rows = [{"body": PROSE, "Автор": "Речной", "written": "весна 1887 г.", "license": "CC0"}]
    settings = {"text_column": "body", "columns": {"author": "Автор", "year": "written"}}
    path = as_file(tmp_path / "a.jsonl", jsonl(rows))
    (document,) = documents(path, tmp_path / "raw", **settings)
    assert document == Document("a.jsonl#1", PROSE, None, "Речной", 1887, licence="CC0")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.parquet"])
@pytest.mark.parametrize("settings", [{"text_column": "body"}, {"columns": {"url": "body"}}])
def test_a_missing_column_is_told_in_one_line_with_those_that_are_there(name, settings, tmp_path):
    with pytest.raises(UserError) as refused:
        read(as_file(tmp_path / name, FORMS[name]), tmp_path / "raw", **settings)
    message = str(refused.value)
    assert "no column 'body'" in message
    assert "id, text, title, author, year" in message
    assert next(iter(settings)) in message
    assert "\n" not in message


def test_a_table_without_texts_beside_books_is_a_fault(tmp_path):
    folder = as_folder(tmp_path / "t", {"Дуэль.txt": PROSE, "цены.csv": "товар,цена\nсом,5\n"})
    assert read(folder, tmp_path / "raw") == {"Дуэль": PROSE, "цены.csv": ""}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("а.csv", "id,text\n"),
        ("а.jsonl", "\n"),
        ("а.json", "[]"),
        ("а.parquet", parquet({"text": pl.Series([], dtype=pl.String)})),
    ],
)
def test_a_table_without_rows_is_a_fault(name, content, tmp_path):
    assert list(faults(as_file(tmp_path / name, content), tmp_path / "raw").values()) == [
        "it has no rows"
    ]


def test_rows_without_an_id_are_numbered_and_equal_ids_are_told_apart(tmp_path):
    rows = [{"text": PROSE}, {"text": VERSE}]
    twice = [{"id": "x", "text": PROSE}, {"id": "x", "text": VERSE}, {"id": "x#2", "text": "!"}]
    files = {"a.parquet": parquet(rows), "a.jsonl": jsonl(rows), "b.jsonl": jsonl(twice)}
    texts = read(as_folder(tmp_path / "t", files), tmp_path / "raw")
    assert list(texts) == [
        *("a.jsonl#1", "a.jsonl#2", "a.parquet#1", "a.parquet#2"),
        *("x", "x#2", "x#2#2"),
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"text": "недо', "line 2: it is not JSON"),
        ("[1, 2]", "line 2: it is no object"),
        ("[" * 100_000, "line 2: it is not JSON"),
        ('{"title": "Без текста"}', "text is empty in row 2"),
        ('{"text": 5}', "text is no text but of the kind int in row 2"),
        (b'{"text": "\xff\xfe"}', "line 2: it is not JSON: there are bytes of another encoding"),
    ],
    ids=["cut", "list", "deep", "no text", "number", "bytes"],
)
def test_a_broken_line_of_json_is_a_fault_that_names_it_and_the_others_are_read(
    line, why, tmp_path
):
    line = line if isinstance(line, bytes) else line.encode()
    good = jsonl(ROWS[:1]).encode(), jsonl(ROWS[1:]).encode()
    path = as_file(tmp_path / "a.jsonl", good[0] + line + b"\n" + good[1])
    found = documents(path, tmp_path / "raw")
    assert [document.text for document in found] == [PROSE, "", VERSE]
    assert found[1].fault.startswith(why)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("b,два", "line 3: there are 2 fields and not 3"),
        ("b,два,три,четыре", "line 3: there are 4 fields and not 3"),
        (b"b,\xd0\xff,1", "line 3: there are bytes of another encoding"),
    ],
)
def test_a_broken_row_of_csv_is_a_fault_that_names_it_and_the_others_are_read(row, why, tmp_path):
    row = row if isinstance(row, bytes) else row.encode()
    content = (
        "id,text,n\na,Один день,1\n".encode()
        + row
        + b"\n\nc,"
        + ("Третий день" * 20 + ",1\n").encode()
    )
    found = documents(as_file(tmp_path / "a.csv", content), tmp_path / "raw")
    assert [document.text for document in found] == ["Один день", "", "Третий день" * 20]
    assert why in found[1].fault


def test_a_quote_that_is_never_closed_is_a_plain_character(tmp_path):
    content = 'id,text\na,Один день\nb,"Второй\nc,Третий\n'
    found = documents(as_file(tmp_path / "a.csv", content), tmp_path / "raw")
    assert [document.text for document in found] == ["Один день", '"Второй', "Третий"]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.parquet"])
def test_a_table_that_is_none_or_is_cut_off_is_a_fault(name, tmp_path):
    content = FORMS[name] if isinstance(FORMS[name], bytes) else FORMS[name].encode()
    cut = content[:-5] if name in ("a.json", "a.parquet") else COMPRESS[".gz"](content)[:-9]
    end = "" if name in ("a.json", "a.parquet") else ".gz"
    files = {f"cut/{name}{end}": cut, f"png/{name}": PNG, "Дуэль.txt": PROSE}
    found = documents(as_folder(tmp_path / "t", files), tmp_path / "raw")
    assert {f"cut/{name}", f"png/{name}"} <= {doc.id for doc in found if doc.fault}
    assert all(doc.text == "" for doc in found if doc.fault)


def test_half_a_character_where_a_text_was_cut_is_marked(tmp_path):
    line = r'{"text": "Улыбка \ud83d", "title": "\ud83d\ude00 \ude00"}'
    (document,) = documents(as_file(tmp_path / "a.jsonl", line), tmp_path / "raw")
    assert (document.text, document.title) == ("Улыбка \ufffd", "😀 \ufffd")


def test_json_that_is_no_list_of_objects_is_a_fault(tmp_path):
    files = {"a.json": '{"text": "да"}', "b.json": '["да"]', "c.json": "5", "d.txt": PROSE}
    found = faults(as_folder(tmp_path / "t", files), tmp_path / "raw")
    assert found.keys() == {"a.json", "b.json#1", "c.json"}


def test_parquet_of_bytes_and_of_other_types(tmp_path):
    data = {"text": [PROSE.encode(), VERSE.encode("cp1251"), PNG, None]}
    found = documents(as_file(tmp_path / "a.parquet", parquet(data)), tmp_path / "raw")
    assert [document.text for document in found] == [PROSE, VERSE, "", ""]
    numbers = as_file(tmp_path / "b.parquet", parquet({"text": [1, 2]}))
    assert documents(numbers, tmp_path / "raw2")[0].fault.startswith("text is no text")


def test_a_table_without_texts_beside_one_with_them_does_not_stop_it(tmp_path):
    files = {"authors.csv": "author,born\nЧехов,1860\n", "works.csv": "author,text\nЧехов,Дуэль.\n"}
    as_folder(tmp_path / "works", files)
    faulty, found = documents(tmp_path / "works", tmp_path / "raw")
    assert (faulty.id, faulty.text) == ("authors.csv", "")
    assert "no column 'text'" in faulty.fault
    assert found.text == "Дуэль."


def test_a_table_without_names_is_told_with_the_beginnings_of_its_cells(tmp_path):
    table = f"1,{'слово ' * 1000}\n2,{'дело ' * 1000}\n"
    with pytest.raises(UserError, match="text_column") as error:
        documents(as_file(tmp_path / "a.csv", table), tmp_path / "raw")
    assert "слово" in str(error.value)
    assert len(str(error.value)) < 300
