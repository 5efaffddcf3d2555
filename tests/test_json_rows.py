"""JSON that is cut off, damaged or not what its name says: whole records are read."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.formats.json_rows import parsed
from tests.files import as_file, documents
from tests.helpers import PROSE, quick
from tests.interviews import read

RECORDS = [{"text": f'Раз {number}, "два" {{и [три\\', "n": [1, {"x": 2}]} for number in range(5)]


@pytest.mark.parametrize(
    "wrap", [lambda rows: rows, lambda rows: {"name": "x", "chats": {"list": [{"messages": rows}]}}]
)
def test_of_json_that_is_cut_off_the_whole_records_are_read(wrap):
    text = json.dumps(wrap(RECORDS), ensure_ascii=False)
    counts = []
    for end in range(len(text) - 1, 120, -1):
        value, fault = parsed(text[:end], [])
        rows = value if isinstance(value, list) else value["chats"]["list"][0]["messages"]
        assert [row["text"] for row in rows[:-1]] == [
            row["text"] for row in RECORDS[: len(rows) - 1]
        ]
        assert fault.startswith("the JSON is damaged: ")
        counts.append(len(rows))
    assert counts == sorted(counts, reverse=True)
    assert {5, 4, 3, 2} <= set(counts)


@quick
@given(st.text(st.sampled_from('[]{}",:\\1a \n')))
def test_any_text_is_a_value_or_unreadable(text):
    for begun in (text, f'[{{"a": 1}}, {text}'):
        with contextlib.suppress(Unreadable):
            parsed(begun, [])


def test_a_character_out_of_place_loses_what_comes_after_it_and_says_so(tmp_path):
    rows = [json.dumps({"text": f"{PROSE} {number}"}) for number in range(4)]
    path = as_file(tmp_path / "a.json", f"[{rows[0]}, {rows[1]}, x {rows[2]}, {rows[3]}]")
    *found, rest = documents(path, tmp_path / "raw", not_text="reject")
    assert [document.text[-1] for document in found] == ["0", "1"]
    assert rest.id == "a.json"
    assert rest.fault.endswith("; 2 objects before that are read")


def test_a_chat_that_is_cut_off_is_read_up_to_there(tmp_path):
    turns = [{"speaker": name, "text": f"{name} говорит."} for name in ("Анна", "Пётр", "Анна")]
    text = json.dumps({"messages": turns}, ensure_ascii=False)
    talk, rest = read(tmp_path, {"a.json": text[:-15]}, not_text="reject")
    assert talk.text == "▸ Анна: Анна говорит.\n▸ Пётр: Пётр говорит."
    assert rest.id == "a#the rest"
    assert rest.fault.endswith("; what stands before that is read")


def test_lines_of_json_under_the_name_of_json_are_read(tmp_path):
    lines = "\n".join(json.dumps({"text": f"{PROSE} {number}"}) for number in range(3))
    path = as_file(tmp_path / "a.json", lines + "\n")
    found = documents(path, tmp_path / "raw")
    assert [document.text[-1] for document in found] == ["0", "1", "2"]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_rows_in_another_encoding_are_decoded_by_themselves(name, tmp_path, caplog):
    rows = [f'{number},"{PROSE.replace(chr(34), chr(39))}"' for number in range(9)]
    if name == "a.jsonl":
        rows = [json.dumps({"id": row[0], "text": PROSE}, ensure_ascii=False) for row in rows]
    lines = [row.encode("cp1251" if index == 4 else "utf-8") for index, row in enumerate(rows)]
    head = b"id,text\n" if name == "a.csv" else b""
    found = documents(as_file(tmp_path / name, head + b"\n".join(lines)), tmp_path / "raw")
    assert {document.text for document in found} == {PROSE}
    assert [document.fault for document in found] == [None] * 9
    assert "in another encoding, decoded by themselves: 1" in caplog.text


SLIPS = {
    "line ends in a text": lambda lines: [line.replace("\\n", "\n") for line in lines],
    "tabs in a text": lambda lines: [line.replace("Раз", "Раз\t") for line in lines],
    "commas after lines": lambda lines: [f"{line}," for line in lines],
    "a list, a line for each": lambda lines: ["[", *(f"{line}," for line in lines[:-1]),
                                              lines[-1], "]"],
    "a list on one line": lambda lines: [f"[{', '.join(lines)}]"],
}  # fmt: skip


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.ndjson"])
@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_of_form_loses_no_record(slip, name, tmp_path):
    if slip == "line ends in a text" and name != "a.json":
        pytest.skip("a line is a record there")
    records = [json.dumps({"text": f"Раз\n{number}"}, ensure_ascii=False) for number in range(3)]
    content = "\n".join(SLIPS[slip](records))
    if slip in ("line ends in a text", "tabs in a text") and name == "a.json":
        content = "[" + content.replace("}\n", "},\n") + "]"
    found = documents(as_file(tmp_path / name, content), tmp_path / "raw", not_text="stop")
    assert [document.text.split() for document in found] == [["Раз", str(n)] for n in range(3)]
