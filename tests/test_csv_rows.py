"""CSV as programs write it: quotes, delimiters, headers; every row that can be read is read."""

from __future__ import annotations

import csv
import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.formats.csv_rows import CsvTable
from tests.counted import operations
from tests.files import as_file, documents
from tests.helpers import quick

SAID = [
    "Старый лесник каждое утро обходил свой участок, и собака шла следом.",
    '"Ты куда?" - спросил он. "В лес", - ответила она.',
    'Он сказал: "Пора домой" и ушёл.',
    '"Пора! - крикнул кто-то из темноты.',
    "К обеду он возвращался в избу; топил печь.",
    "",
    "Конец.",
]
ROWS = [[str(number), text] for number, text in enumerate(SAID)]


def table(text: str) -> CsvTable:
    return CsvTable(io.StringIO(text, newline=""))


def cells(text: str) -> list[list[str]]:
    read = list(table(text))
    assert [row.fault for row in read if row.fault] == []
    return [row.cells for row in read]


def written(rows: list[list[str]], header=("id", "text"), **dialect) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, **dialect).writerows([header, *rows])
    return stream.getvalue()


DOUBLED = {"doublequote": True}
ESCAPED = {"doublequote": False, "escapechar": "\\"}
DIALECTS = {
    "doubled": DOUBLED,
    "all doubled": {**DOUBLED, "quoting": csv.QUOTE_ALL},
    "doubled semicolons": {**DOUBLED, "delimiter": ";", "lineterminator": "\n"},
    "doubled, line ends of old Macs": {**DOUBLED, "lineterminator": "\r"},
    "backslashes": ESCAPED,
    "backslashes and tabs": {**ESCAPED, "delimiter": "\t"},
    "all with backslashes": {**ESCAPED, "quoting": csv.QUOTE_ALL},
    "backslashes without quotes": {**ESCAPED, "quoting": csv.QUOTE_NONE},
    "plain": {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "quotechar": None},
    "plain bars": {"delimiter": "|", "quoting": csv.QUOTE_NONE, "quotechar": None},
}


@pytest.mark.parametrize("name", DIALECTS)
def test_the_rows_say_what_quotes_and_backslashes_mean(name):
    assert cells(written(ROWS, **DIALECTS[name])) == ROWS


TEXT = st.text(st.sampled_from("аб, ;.\"'\\-1n"), max_size=12)
PLAIN_EVIDENCE = ["7", 'а "б" в'], ["8", '"а" - б'], ["9", '"а. Б']


@quick
@given(st.lists(st.tuples(st.sampled_from("123"), TEXT), max_size=8))
def test_plain_quotes_come_back_cell_for_cell(rows):
    """Where more rows show plain quotes than are wholly in quotes."""
    rows = [list(row) for row in rows]
    rows += list(PLAIN_EVIDENCE) * (len(rows) + 1)
    assert cells(written(rows, **DIALECTS["plain"])) == rows


@quick
@given(st.lists(st.tuples(TEXT, TEXT.map(lambda text: text.replace("а", "\n"))), max_size=8))
def test_doubled_quotes_come_back_cell_for_cell(rows):
    rows = [["1", 'Да, "б", в'], *(list(row) for row in rows if any(row))]
    assert cells(written(rows, quoting=csv.QUOTE_ALL)) == rows


@quick
@given(st.lists(st.tuples(TEXT, TEXT.map(lambda text: text.replace("а", "\n"))), max_size=8))
def test_backslashes_come_back_cell_for_cell(rows):
    rows = [["1", '"Да", б, "в"'], *(list(row) for row in rows if any(row))]
    assert cells(written(rows, **DIALECTS["all with backslashes"])) == rows


def test_backslashes_that_escape_nothing_stay():
    text = 'path,text\nC:\\new,"Он сказал: \\"Да\\", и всё."\nD:\\tmp\\x,"a\\\\b"\n'
    assert cells(text) == [["C:\\new", 'Он сказал: "Да", и всё.'], ["D:\\tmp\\x", "a\\b"]]


@pytest.mark.parametrize(
    ("row", "read"),
    [
        ('3,"Пора! - крикнул он.', '"Пора! - крикнул он.'),
        ('3,"Пора!" - крикнул он.', '"Пора!" - крикнул он.'),
        ('3,"Он сказал "Пора, друг" и ушёл."', 'Он сказал "Пора, друг" и ушёл.'),
        ('3,"Он ждал до "утра", и ушёл."', 'Он ждал до "утра", и ушёл.'),
    ],
)
def test_quotes_out_of_place_in_a_row_are_plain_characters_and_are_told(row, read):
    quoted = ['1,"Один, ""два""."', '2,"Раз, два."', '4,"Ещё, и ещё."', '5,"Конец, ""да""."']
    lines = ["id,text", *quoted[:2], row, *quoted[2:]]
    made = table("\n".join(lines))
    assert [cell.cells[1] for cell in made][2] == read
    assert sum(made.mended.values()) == 1


def test_a_quote_that_is_not_closed_swallows_no_rows():
    rows = ["id\ttext", '1\t"Пора! - крикнул он', "2\tК обеду", '3\tОн молчал: "да"', "4\tВсё."]
    for swallowed in (rows, [row.replace("\t", ";") for row in rows]):
        assert [row[0] for row in cells("\n".join(swallowed))] == ["1", "2", "3", "4"]


def test_a_quote_that_is_closed_much_later_loses_its_own_row_at_most():
    quoted = ['1,"Один, ""два""",x', '2,"Раз, два.",x']
    odd = ['3,"Пора', "4,К обеду,x", "5,Потом,x", '6,Он молчал: "да",x', '7,"Всё, ""и""",x']
    read = list(table("\n".join(["id,text,more", *quoted, *odd])))
    assert [row.cells[0] for row in read if not row.fault] == ["1", "2", "4", "5", "6", "7"]
    assert [row.line for row in read if row.fault] == [4]


def test_a_header_of_several_lines_is_read():
    made = table('id,"text\nof it"\n1,"Раз, ""два"""\n')
    assert made.header == ["id", "text\nof it"]
    assert [row.cells for row in made] == [["1", 'Раз, "два"']]


def test_a_cell_of_several_lines_is_not_taken_apart():
    verse = "Мороз и солнце, день чудесный\nЕщё ты дремлешь, друг прелестный"
    rows = [["a", verse], ["b", verse.replace("\n", "\r\n\r\n")], ["c", "Да"]]
    assert cells(written(rows)) == rows


@pytest.mark.parametrize(
    "top",
    [
        "\n\n", "\r\n \r\n", ";;;\n", '"";""\n', "\ufeff\n", "\n\ufeff",
        "sep=;\r\n", "\ufeffsep=;\n",
        '"sep=;"\n', "\nSEP=;\n\n", "sep=;;;\n",
    ],
)  # fmt: skip
def test_what_stands_above_the_header_is_no_header(top):
    made = table(f'{top}id;text\n1;"Да; нет"\n')
    assert made.header == ["id", "text"]
    assert [row.cells for row in made] == [["1", "Да; нет"]]


@pytest.mark.parametrize(
    "above",
    ["Выгрузка от 12.03.2024", "Выгрузка;;", "# комментарий, две\n", '"Отчёт";\n\nза год;;'],
)
def test_lines_above_the_header_are_left_out_and_told(above, tmp_path, caplog):
    content = f"{above}\n{written(ROWS, delimiter=';')}"
    found = documents(as_file(tmp_path / "a.csv", content), tmp_path / "raw")
    assert [document.text for document in found] == SAID
    [line] = caplog.messages
    count = sum(bool(row.strip(";")) for row in above.splitlines())
    assert f"lines above the header, left out: {count}" in line


def test_a_row_that_names_the_column_is_no_header_below_a_header():
    text = "id,text\n1,text\n2,id\n"
    assert [row.cells for row in CsvTable(io.StringIO(text), {"text"})] == [
        ["1", "text"],
        ["2", "id"],
    ]


def test_the_delimiter_that_is_named_counts_more_than_the_headers():
    made = table("sep=|\nid|text, or so, once\n1|Да\n")
    assert (made.header, made.delimiter) == (["id", "text, or so, once"], "|")


def test_the_delimiter_is_that_of_the_rows_where_the_header_has_several():
    made = table('id;"a, b, c, d";text\n1;2;Да\n2;3;"Нет; да"\n')
    assert [row.cells for row in made] == [["1", "2", "Да"], ["2", "3", "Нет; да"]]


@pytest.mark.parametrize(
    "text",
    [
        "id;text;\n1;Да;\n2;Нет;\n",
        "id;text\n1;Да;\n2;Нет;\n",
        "id;text;;;\n1;Да;;;\n;;;;\n2;Нет\n",
        '"id";"text"\n"1";"Да";\n"2";"Нет";""\n',
    ],
)
def test_delimiters_at_the_end_of_rows_are_no_columns(text):
    assert cells(text) == [["1", "Да"], ["2", "Нет"]]


def test_a_table_of_one_column_keeps_its_commas():
    assert cells('text\nРаз, два.\n"Три, ""четыре""."\n"Пять\nшесть"\n') == [
        ["Раз, два."],
        ['Три, "четыре".'],
        ["Пять\nшесть"],
    ]


def test_columns_of_equal_names_are_numbered():
    assert table("text,text,id,text\n").header == ["text", "text.1", "id", "text.2"]


@pytest.mark.parametrize("text", ["", "\n\n", "sep=;\n", " ;\xa0\n"])
def test_a_table_without_a_header_says_so(text):
    with pytest.raises(Unreadable, match="no line of it names columns"):
        table(text)


def test_columns_are_found_in_any_case(tmp_path):
    path = as_file(tmp_path / "a.csv", "ID,Title,TEXT\nx,Дуэль,Было утро.\n")
    (document,) = documents(path, tmp_path / "raw")
    assert (document.id, document.title, document.text) == ("x", "Дуэль", "Было утро.")


def test_a_cell_of_json_keeps_its_backslashes():
    text = r'{"said": "он: \"Да\"", "by": "\"Лес\""}'
    assert cells(f"id\ttext\n1\t{text}\n") == [["1", text]]


def test_a_text_with_delimiters_and_without_quotes_is_whole_in_the_last_column(tmp_path, caplog):
    path = as_file(tmp_path / "a.csv", "id;text\n1;Утро; туман.\n2;Да\n")
    assert [document.text for document in documents(path, tmp_path / "raw")] == [
        "Утро; туман.",
        "Да",
    ]
    [line] = caplog.messages
    assert line.endswith(
        ": .csv rows with delimiters in a text without quotes, read as part of it: 1"
    )


def test_single_nuls_are_left_out_and_told(tmp_path, caplog):
    text = "id,text\n" + "".join(f"{number},Было утро{chr(0)}.\n" for number in range(3)) + "\n"
    path = as_file(tmp_path / "a.csv", text + "4," + "Стоял туман. " * 40)
    found = documents(path, tmp_path / "raw")
    assert [document.text for document in found][:3] == ["Было утро."] * 3
    [line] = caplog.messages
    assert line.endswith(": .csv lines with NUL characters, left out: 3")


def test_a_row_says_on_which_line_it_ends():
    text = '\nid,text\n\n1,"Раз, два\n\nТри, да"\n,\n\n2,"Три" - "\n\n"6","7, 8"\n'
    ends = [("1", 6), ("2", 9), ("6", 11)]
    assert [(row.cells[0], row.line) for row in table(text)] == ends


def test_a_novel_in_a_cell_is_read(tmp_path):
    novel = 'Он сказал: "Да", и ушёл.\n' * 100_000  # larger than what shows the dialect
    path = as_file(tmp_path / "a.csv", written([["1", novel], ["2", "Да"]]))
    assert [document.text for document in documents(path, tmp_path / "raw")] == [novel, "Да"]


@pytest.mark.parametrize(
    "line",
    ['"', '1,"а', '1,"а""', '"1,"а"", "б"" ', 'а","б', '","' * 30, '"",' * 30, '"а,"б,' * 30],
)
@pytest.mark.parametrize("rows", [200, pytest.param(500, marks=pytest.mark.slow)])
def test_the_work_grows_with_the_table_and_no_faster_whatever_its_quotes(line, rows):
    def work(count: int) -> int:
        return operations(lambda: list(table("id,text\n" + f"{line}\n" * count)), "formats/")

    assert work(8 * rows) <= 1.2 * 8 * work(rows)


@quick
@given(st.text(st.sampled_from('аб,;\t"\\\n\r\0|')), st.text(st.sampled_from('a,;\t"\\')))
def test_whatever_the_rows_no_character_is_lost_in_silence(rows, header):
    """Every letter is in a cell, or in a row that is told to be faulty."""
    try:
        made = table(f"id{header}\n{rows}")
        read = list(made)
    except Unreadable:
        return
    if not any(row.fault for row in read):
        kept = "".join(cell for row in read for cell in row.cells) + "".join(made.header)
        assert sum(map(kept.count, "аб")) == sum(map(rows.count, "аб"))


def test_rows_of_random_bytes_stop_nothing(tmp_path):
    source = random.Random(3)
    data = written(ROWS * 30).encode()
    for number in range(40):
        damaged = bytearray(data[: source.randrange(100, len(data))])
        for _ in range(5):
            damaged[source.randrange(10, len(damaged))] = source.randrange(256)
        as_file(tmp_path / "t" / f"{number}.csv", bytes(damaged))
    found = documents(tmp_path / "t", tmp_path / "raw", not_text="reject")
    assert sum(document.fault is None for document in found) > 40
