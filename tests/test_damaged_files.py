"""Interviews and tables with random damage: faults of documents, never the end of a run."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.sources.base import Document
from femtogpt.sources.interviews import Interviews
from femtogpt.sources.reader import Reader
from femtogpt.sources.texts import Files
from tests.chats import person, telegram, vk, vk_page
from tests.files import as_folder
from tests.helpers import quick

TALK = "Анна: Как прошла зима?\nПётр: Снежно (смеётся), да.\nАнна: А волки?\nПётр: Видел двух.\n"
CUES = (
    "1\n00:00:01,000 --> 00:00:02,000\n[SPEAKER_00]: Доброе утро.\n\n"
    "2\n00:00:02,000 --> 00:00:04,000\n{\\p1}m 0 0 l 9 9{\\p0}<i>>> Да.</i>\n\n"
)
ROWS = [
    {"url": "a/1", "speaker": "Анна", "text": 'Он сказал: "Да", и ушёл.', "start": 1.0},
    {"url": "a/1", "speaker": "Пётр", "text": "Нет; никто.", "start": 2.5},
    {"url": "a/2", "speaker": "Анна", "text": "Раз.", "start": 1.0},
    {"url": "a/2", "speaker": "Пётр", "text": "Два.\nТри.", "start": 3.0},
]
WHISPER = {
    "segments": [
        {"start": 0, "end": 1, "text": " Да.", "speaker": "SPEAKER_00", "no_speech_prob": 0.1},
        {"start": 1, "end": 2, "text": " Нет.", "avg_logprob": -0.1, "words": [{"word": "Нет."}]},
    ]
}
CHAT = {
    "messages": [
        telegram(1, "Анна", ["Смотри ", {"type": "link", "text": "a.ru"}], "2024-03-12T10:00:00"),
        telegram(2, "Пётр", "Вижу.", "2024-03-12T10:05:00", reply_to_message_id=1),
    ]
}
VK = [
    vk(1, "Вы, 12 мар 2024 в 10:00:10", "Да."),
    vk(2, person("Анна", "13 мая 2024 в 9:05"), "Нет."),
]

MARKDOWN = "---\nguest: Пётр\n---\n**Как?**\n\nТак.\n\n**Расскажите**\n\n> Вот.\n\n**А?**\n\nДа."


def csv(quote: Callable[[str], str], delimiter: str) -> bytes:
    rows = [list(ROWS[0]), *([str(value) for value in row.values()] for row in ROWS)]
    return "\r\n".join(delimiter.join(map(quote, row)) for row in rows).encode()


INTERVIEWS: dict[str, bytes] = {
    "a.txt": TALK.encode(),
    "cp1251.txt": (TALK * 5).encode("cp1251"),
    "a.md": MARKDOWN.encode(),
    "a.srt": CUES.encode(),
    "a.vtt": f"WEBVTT\n\nNOTE x\n\n{CUES}".replace(",", ".").encode(),
    "rows.json": json.dumps(ROWS, ensure_ascii=False).encode(),
    "whisper.json": json.dumps(WHISPER).encode(),
    "result.json": json.dumps(CHAT, ensure_ascii=False).encode(),
    "rows.jsonl": "\n".join(json.dumps(row) for row in ROWS).encode(),
    "doubled.csv": csv(lambda cell: '"' + cell.replace('"', '""') + '"', ","),
    "escaped.csv": csv(lambda cell: '"' + cell.replace('"', '\\"') + '"', ";"),
    "plain.tsv": csv(lambda cell: cell.replace("\n", " "), "\t"),
    "sep.csv": b"sep=;\n" + csv(lambda cell: cell.replace("\n", " ").replace(";", ","), ";"),
    "messages/7/messages0.html": vk_page(VK),
}
TABLES = {name: data for name, data in INTERVIEWS.items() if name.endswith((".csv", ".tsv", "l"))}
TABLES.pop("messages/7/messages0.html")

Damage = Callable[[bytes], bytes]
BYTES = st.sampled_from([*b'"\\,;\t\n\r\0{}[]:<>-_ 0m', 0xD0, 0xFF, 0xEF, 0x80])
KINDS = st.sampled_from(["set", "insert", "delete", "double", "cut"])
DAMAGES = st.lists(st.tuples(KINDS, st.floats(0, 1), BYTES), min_size=1, max_size=6)


def damaged(data: bytes, damages: list[tuple[str, float, int]]) -> bytes:
    for kind, share, byte in damages:
        at = int(share * len(data))
        if kind == "set":
            data = data[:at] + bytes([byte]) + data[at + 1 :]
        elif kind == "insert":
            data = data[:at] + bytes([byte]) + data[at:]
        elif kind == "delete":
            data = data[:at] + data[at + 1 + byte % 7 :]
        elif kind == "double":
            data = data[:at] + data[at : at + byte] + data[at:]
        elif at > len(data) // 3:
            data = data[:at]
    return data


def documents(kind: type[Reader], folder, name: str, data: bytes) -> list[Document]:
    as_folder(folder, {"good.txt": TALK.encode(), name: data})
    return list(kind(path=folder, not_text="reject").documents(folder))


@pytest.mark.parametrize("name", INTERVIEWS)
def test_what_is_whole_has_no_faults(name, tmp_path):
    for document in documents(Interviews, tmp_path, name, INTERVIEWS[name]):
        assert document.fault is None
        assert document.text


@pytest.mark.parametrize("name", INTERVIEWS)
def test_damage_to_an_interview_is_a_fault_at_most(name, tmp_path_factory):
    @quick
    @given(DAMAGES)
    def check(damages):
        folder = tmp_path_factory.mktemp("damaged")
        found = documents(Interviews, folder, name, damaged(INTERVIEWS[name], damages))
        assert [document.fault for document in found if document.id == "good"] == [None]
        assert all(bool(document.text) != bool(document.fault) for document in found)
        assert all("\n" not in (document.fault or "") for document in found)

    check()


def test_a_fault_is_told_in_one_line_whatever_names_are_in_it(tmp_path):
    table = csv(lambda cell: '"' + cell.replace('"', '""').replace("text", "te\nxt") + '"', ",")
    faults = [document.fault for document in documents(Interviews, tmp_path, "a.csv", table)]
    assert [fault for fault in faults if fault and "te xt" in fault and "\n" not in fault]


@pytest.mark.parametrize("name", TABLES)
def test_damage_to_a_table_is_a_fault_at_most(name, tmp_path_factory):
    @quick
    @given(DAMAGES)
    def check(damages):
        folder = tmp_path_factory.mktemp("damaged")
        found = documents(Files, folder, name, damaged(TABLES[name], damages))
        assert [document.fault for document in found if document.id == "good"] == [None]

    check()


@pytest.mark.parametrize(
    "value",
    [
        None, 0, "", [], {}, [[]], [None], [{}], {"messages": None}, {"messages": [None]},
        {"messages": [{}]}, {"segments": None}, {"segments": [None, {"text": 1}]},
        {"chats": {"list": [{"messages": [{"type": "message"}]}]}}, {"transcription": [{}]},
        [{"text": None}], [{"text": {"a": 1}}], [{"text": ["a", 1, None]}],
        {"chunks": [{"text": "a"}]},
        {"chunks": [{"text": "а", "timestamp": []}]}, [{"start": {}, "text": "a"}],
        [{"start": 1e400, "text": "а"}, {"start": 1, "text": "б"}], [{"ts": -1, "text": "а"}],
        {"segments": [{"text": "а", "words": [{"word": "а", "speaker": {}}]}]},
    ],
)  # fmt: skip
@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_json_of_another_form_is_a_fault_at_most(value, suffix, tmp_path):
    data = json.dumps(value).encode()
    found = documents(Interviews, tmp_path, f"a{suffix}", data)
    assert [document.fault for document in found if document.id == "good"] == [None]
