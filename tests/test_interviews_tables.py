"""Turns as rows: CSV, JSON, lines of JSON."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from femtogpt.errors import UserError
from femtogpt.sources.interviews import Interviews
from tests.interviews import read, text_of

ROWS = [
    {"episode_id": 1, "speaker": "АННА", "text": "Раз."},
    {"episode_id": 1, "speaker": "Анна", "text": "Ещё раз."},
    {"episode_id": 2, "speaker": "Вера", "text": "Два."},
    {"episode_id": 1, "speaker": "Вера", "text": "Три."},
]


def lines(*records) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def test_rows_are_gathered_by_the_column_that_tells_conversations(tmp_path):
    documents = read(tmp_path, {"a.jsonl": lines(*ROWS)})
    assert {document.id: document.text for document in documents} == {
        "a#1": "▸ Анна: Раз.\nЕщё раз.\n▸ Вера: Три.",
        "a#2": "▸ Вера: Два.",
    }


def test_without_such_a_column_a_file_is_one_conversation(tmp_path):
    rows = [{"from": "Анна", "message": "Раз."}, {"from": "Вера", "message": "Два."}]
    assert text_of(tmp_path, "a.jsonl", lines(*rows)) == "▸ Анна: Раз.\n▸ Вера: Два."
    assert text_of(tmp_path, "a.jsonl", lines({"text": "Раз."}, {"text": "Два."})) == "Раз.\nДва."


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_reads_with_any_delimiter_and_with_line_ends_in_cells(tmp_path, delimiter):
    rows = [
        ("Говорящий", "Реплика"),
        ("Анна Ивановна", '"Да, и вот; ещё | да.\nИ всё."'),
        ("Вера", ""),
    ]
    table = "\r\n".join(delimiter.join(row) for row in [*rows, ("Вера", "Нет.")])
    assert text_of(tmp_path, "a.csv", table) == (
        "▸ Анна Ивановна: Да, и вот; ещё | да.\nИ всё.\n▸ Вера: Нет."
    )


def test_empty_lines_before_the_header_of_csv_are_skipped(tmp_path):
    assert text_of(tmp_path, "a.csv", "\n\nspeaker,text\nАнна,Раз.\n") == "▸ Анна: Раз."


def test_csv_in_a_russian_encoding_reads(tmp_path):
    table = "имя;реплика\nАнна;Здравствуйте, как у вас дела сегодня?\nВера;Хорошо, спасибо.\n"
    assert text_of(tmp_path, "a.csv", table.encode("cp1251")).startswith("▸ Анна: Здравствуйте")


CHAT = [
    {"role": "user", "content": "Как печь?"},
    {"role": "assistant", "content": "Просто.\n\nТак."},
]
CHAT_TEXT = "▸ Пользователь: Как печь?\n▸ Ассистент: Просто.\nТак."


@pytest.mark.parametrize(
    "value",
    [
        {"title": "Хлеб", "messages": CHAT},
        {"messages": [{**CHAT[0], "content": [{"type": "text", "text": "Как печь?"}]}, CHAT[1]]},
        {"turns": [{"speaker": turn["role"], "text": turn["content"]} for turn in CHAT]},
        {"conversations": [{"from": turn["role"], "value": turn["content"]} for turn in CHAT]},
        [CHAT],
        CHAT,
    ],
    ids=["messages", "parts", "turns", "conversations", "list of lists", "list"],
)
def test_conversations_in_json_read_whatever_their_fields(tmp_path, value):
    assert text_of(tmp_path, "a.json", json.dumps(value)) == CHAT_TEXT


def test_each_conversation_in_a_file_is_a_document_with_its_id(tmp_path):
    records = [{"id": "x", "title": "О хлебе", "messages": CHAT}, {"messages": CHAT[:1]}]
    documents = read(tmp_path, {"a.jsonl": lines(*records), "b.json": json.dumps(records)})
    assert [document.id for document in documents] == ["a#x", "a#2", "b#x", "b#2"]
    assert documents[0].title == "О хлебе"


def test_ids_that_repeat_are_told_apart(tmp_path):
    documents = read(
        tmp_path, {"a.jsonl": lines({"id": 1, "turns": CHAT}, {"id": 1, "turns": CHAT})}
    )
    assert [document.id for document in documents] == ["a#1", "a#1#2"]


def test_segments_in_lines_of_json_are_read_as_whispers(tmp_path):
    record = {"segments": [{"text": " Да.", "start": 0, "end": 1, "speaker": "SPEAKER_07"}]}
    assert text_of(tmp_path, "a.jsonl", lines(record)) == "▸ А: Да."


def test_rows_with_times_and_names_are_no_segments_of_whisper(tmp_path):
    rows = [{"start": 0, "end": 1, "text": f"{name}.", "name": name} for name in ("Анна", "Вера")]
    assert text_of(tmp_path, "a.json", json.dumps(rows)) == "▸ Анна: Анна.\n▸ Вера: Вера."


def test_columns_may_be_named(tmp_path):
    table = "кто,what,text\nАнна,Раз.,мусор\nВера,Два.,мусор\n"
    text = text_of(tmp_path, "a.csv", table, speaker_column="кто", text_column="what")
    assert text == "▸ Анна: Раз.\n▸ Вера: Два."


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, r"^a\.csv: there is no column known to hold text: set text_column to one of a, b$"),
        ({"text_column": "x"}, r"no column 'x': set text_column to one of a, b"),
        ({"text_column": "a", "speaker_column": "y"}, r"'y': set speaker_column to one of a, b"),
    ],
)
def test_a_column_that_is_not_there_is_an_error_that_lists_the_columns(tmp_path, settings, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, {"a.csv": "a,b\n1,2\n"}, **settings)


def test_a_table_without_speech_beside_transcripts_is_rejected_and_they_are_read(tmp_path):
    talk = "Анна: Раз.\nВера: Два.\nАнна: Три.\n"
    table, talk = read(tmp_path, {"a.csv": "a,b\n1,2\n", "b.txt": talk})
    assert table.fault == "there is no column known to hold text: set text_column to one of a, b"
    assert talk.fault is None


def test_conversations_that_memory_could_not_hold_are_read_one_by_one(tmp_path):
    record = {"messages": [{"role": "user", "content": "Да?"}], "audio": "x" * 200_000}
    (tmp_path / "a.jsonl").write_text(lines(record) * 200, encoding="utf-8")  # of 40 MB
    tracemalloc.start()
    count = sum(1 for _ in Interviews(path=tmp_path).documents(tmp_path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 200
    assert peak < 10_000_000


def test_a_line_with_bytes_of_another_encoding_is_rejected_and_the_others_are_read(tmp_path):
    good = [lines({"id": number, "messages": CHAT}).encode() for number in range(8)]
    data = b"".join([*good[:4], '{"id": "я"}\n'.encode("cp1251"), *good[4:]])
    faults = {document.id: document.fault for document in read(tmp_path, {"a.jsonl": data})}
    assert [name for name, fault in faults.items() if fault] == ["a#line 5"]
    assert len(faults) == 9


def test_a_damaged_line_is_rejected_and_the_others_are_read(tmp_path):
    good = lines({"id": "x", "messages": CHAT})
    documents = read(tmp_path, {"a.jsonl": good + '{"id": \n' + "[1, 2]\n"})
    faults = {document.id: document.fault for document in documents}
    assert faults["a#x"] is None
    assert faults["a#line 2"].startswith("line 2 is no JSON")
    assert faults["a#3"] == "record 3 holds no turns"


def test_a_row_of_another_kind_does_not_stop_the_conversations_beside_it(tmp_path):
    turns = [{"role": "user", "content": "Кто ты?"}, {"role": "assistant", "content": "Бот."}]
    lines = [json.dumps({"id": "a", "messages": turns}), json.dumps({"x": 1})]
    first, odd = read(tmp_path, {"a.jsonl": "\n".join(lines)})
    assert first.text == "▸ Пользователь: Кто ты?\n▸ Ассистент: Бот."
    assert "set text_column to one of x" in odd.fault


def test_a_delimiter_in_a_text_without_quotes_loses_nothing(tmp_path):
    table = "speaker;text\nАнна;Хорошо; спасибо\nПётр;Да\n"
    assert text_of(tmp_path, "a.csv", table) == "▸ Анна: Хорошо; спасибо\n▸ Пётр: Да"
    [cut] = read(tmp_path / "b", {"b.csv": "speaker;text;end\nАнна;Хорошо; спасибо;12\n"})
    assert cut.fault == "the CSV is damaged after line 2: there are more fields than columns"


def test_a_text_mixed_with_links_stays_one_line(tmp_path):
    messages = [{"from": "Анна", "text": ["Смотри ", {"type": "link", "text": "a.ru"}, " вот"]}]
    text = text_of(tmp_path, "result.json", json.dumps({"name": "Дом", "messages": messages}))
    assert text == "▸ Анна: Смотри a.ru вот"
