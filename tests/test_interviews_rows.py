"""Rows of an interview: times as in captions, and the column that tells conversations apart."""

from __future__ import annotations

import json

import pytest

from femtogpt.errors import UserError
from tests.interviews import read, text_of

SAID = ["Мы поехали", "на реку, и там", "было тихо.", "Рыба клевала.", "Потом пошёл дождь."]
JOINED = "Мы поехали на реку, и там было тихо. Рыба клевала. Потом пошёл дождь."


def clock(seconds: int) -> str:
    return f"00:{seconds // 60:02d}:{seconds % 60:02d}"


@pytest.mark.parametrize(
    "times",
    [
        lambda second: {"ts": second},
        lambda second: {"ts": f"{second}.5"},
        lambda second: {"timestamp": clock(second)},
        lambda second: {"start": second, "duration": 2},
        lambda second: {"start": second * 1000, "end": second * 1000 + 2000},
        lambda second: {"tStartMs": second * 1000, "dDurationMs": 2000},
        lambda second: {"from": f"{clock(second)},500", "to": f"{clock(second + 2)},500"},
    ],
    ids=["ts", "text", "clock", "duration", "milliseconds", "YouTube's", "from and to"],
)
def test_lines_with_the_times_of_a_recording_are_joined_as_captions_are(tmp_path, times):
    rows = [{**times(2 * number), "text": text} for number, text in enumerate(SAID)]
    assert text_of(tmp_path, "a.json", json.dumps(rows)) == JOINED
    lines = "\n".join(json.dumps(row) for row in rows)
    assert text_of(tmp_path / "lines", "a.jsonl", lines) == JOINED
    assert text_of(tmp_path / "nested", "a.json", json.dumps({"lines": rows})) == JOINED


def test_the_tables_of_whisper_are_joined(tmp_path):
    table = "start\tend\ttext\n" + "".join(
        f"{number * 2000}\t{number * 2000 + 2000}\t[SPEAKER_0{number // 3}]: {text}\n"
        for number, text in enumerate(SAID)
    )
    assert text_of(tmp_path, "a.tsv", table) == (
        "▸ А: Мы поехали на реку, и там было тихо.\n▸ Б: Рыба клевала. Потом пошёл дождь."
    )


def test_lines_with_times_and_speakers_are_joined_within_turns(tmp_path):
    rows = [
        {"start": 2 * number, "speaker": "Анна" if number < 3 else "Пётр", "text": text}
        for number, text in enumerate(SAID)
    ]
    assert text_of(tmp_path, "a.json", json.dumps([{**row, "x": 1} for row in rows])) == (
        "▸ Анна: Мы поехали на реку, и там было тихо.\n▸ Пётр: Рыба клевала. Потом пошёл дождь."
    )


@pytest.mark.parametrize(
    "times",
    [
        lambda number: f"2024-03-12T10:1{number}:00",
        lambda number: 1710227700 + 60 * number,
        lambda number: 100 * number,
        lambda number: -number,
        lambda number: 0,
        lambda number: None,
        lambda number: True,
    ],
)
def test_messages_of_a_chat_stay_paragraphs(tmp_path, times):
    rows = [{"time": times(number), "text": text} for number, text in enumerate(SAID)]
    assert text_of(tmp_path, "a.json", json.dumps(rows)) == "\n".join(SAID)


def conversations(column: str, names: list[str], speakers: bool = True) -> str:
    turns = [
        ("Ведущая", "Как зима?"),
        ("Гость", "Снежная."),
        ("Ведущая", "А волки?"),
        ("Гость", "Да."),
    ]
    head = f"{column},speaker,text\n" if speakers else f"{column},text\n"
    return head + "".join(
        f"{name},{speaker},{text}\n" if speakers else f"{name},{text}\n"
        for name in names
        for speaker, text in turns
    )


@pytest.mark.parametrize("column", ["url", "Ссылка", "guest", "x17", "file"])
@pytest.mark.parametrize("speakers", [True, False])
def test_a_column_whose_values_fill_runs_of_rows_tells_conversations_apart(
    tmp_path, caplog, column, speakers
):
    table = conversations(column, ["a/1", "a/2", "a/3"], speakers)
    documents = read(tmp_path, {"t.csv": table})
    assert [document.id for document in documents] == ["t#a/1", "t#a/2", "t#a/3"]
    [line] = caplog.messages
    assert line.startswith(f"t.csv: its conversations are told apart by the column {column!r}")


@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("url", ["a/1"]),
        ("url", ["a/1", "a/2", "a/1"]),
        ("page", ["1", "2", "3"]),
        ("url", ["", "a/2"]),
    ],
    ids=["one value", "a value that comes again", "pages", "empty"],
)
def test_without_such_a_column_the_rows_are_one_conversation(tmp_path, column, names):
    [document] = read(tmp_path, {"t.csv": conversations(column, names)})
    assert document.id == "t"


def test_columns_of_turns_tell_nothing_apart(tmp_path):
    rows = [{"id": number, "kind": "a" if number < 4 else "b", "speaker": "Анна", "text": "Да."}
            for number in range(8)]  # fmt: skip
    [document] = read(tmp_path, {"t.json": json.dumps(rows)})
    assert document.id == "t"


def test_a_setting_names_the_column(tmp_path, caplog):
    table = conversations("page", ["1", "2"])
    documents = read(tmp_path, {"t.csv": table}, document_column="Page")
    assert [document.id for document in documents] == ["t#1", "t#2"]
    assert not caplog.messages
    with pytest.raises(UserError, match=r"no column 'x': set document_column to one of page, "):
        read(tmp_path, {"t.csv": table}, document_column="x")


def test_a_long_table_that_is_one_conversation_is_told(tmp_path, caplog):
    rows = "".join(f"Анна,Раз {number}.\n" for number in range(2001))
    [document] = read(tmp_path, {"t.csv": f"speaker,text\n{rows}"})
    assert document.id == "t"
    assert "t.csv: its 2001 rows are one conversation; if they are several" in caplog.text


def test_rows_that_cannot_be_read_are_told_and_the_others_are_read(tmp_path):
    table = "speaker,text,end\nАнна,Раз.,1\nПётр,Да, и нет,2\nАнна,Два.,3\n"
    talk, row = read(tmp_path, {"t.csv": table})
    assert talk.text == "▸ Анна: Раз.\nДва."
    assert (row.id, row.fault) == (
        "t#line 3",
        "line 3 cannot be read: there are more fields than columns",
    )


@pytest.mark.parametrize("top", ["\n\n", "\ufeff\n", ";;\n", "sep=;\n"])
def test_what_stands_above_the_header_is_no_header(tmp_path, top):
    assert text_of(tmp_path, "a.csv", f"{top}speaker;text\nАнна;Раз.\n") == "▸ Анна: Раз."
