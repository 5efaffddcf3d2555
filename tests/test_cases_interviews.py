"""The tables and interviews in ../shared/cases; skipped where the folder is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.files import documents
from tests.interviews import read

CASES = Path(__file__).resolve().parent.parent.parent / "shared" / "cases"
TEXTS = [
    "Старый лесник каждое утро обходил свой участок, и собака его плелась позади.",
    '"Ты куда?" - спросил он. "В лес", - ответила она и засмеялась.',
    'Он сказал: "Пора домой" и ушёл.',
    '"Пора! - крикнул кто-то из темноты, и все побежали к реке.',
    "К обеду он возвращался в избу, топил печь и варил картошку.",
    "Ночью шёл дождь, и по стеклу тихо стучали капли.",
]


def case(name: str) -> bytes:
    if not (CASES / name).exists():
        pytest.skip(f"there is no ../shared/cases/{name}")
    return (CASES / name).read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        "table-tsv-unquoted.tsv", "table-backslash-quotes.csv", "table-sep-line.csv",
        "table-empty-lines-top.csv", "table-trailing-delim.csv",
    ],
)  # fmt: skip
def test_each_row_of_a_table_is_read(name, tmp_path):
    (tmp_path / name).write_bytes(case(name))
    found = documents(tmp_path / name, tmp_path / "raw")
    assert [(document.text, document.fault) for document in found] == [
        (text, None) for text in TEXTS
    ]


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("interviews-empty-lines-first.csv", ["Старый лесник"]),
        ("interviews-by-url.csv", ["▸ Ведущая: Добрый день", "▸ Ведущая: Здравствуйте"]),
        ("whisperx-all-speakers.srt", ["▸ А: Доброе утро, коллеги.\n▸ Б: Начнём с главного.\n"]),
        ("whisperx-some-speakers.srt", ["▸ А: Доброе утро, коллеги.\n▸ Б: Начнём с главного.\n"]),
        ("drawing.srt", ["Вторая строка здесь."]),
    ],
)
def test_each_interview_is_read(name, texts, tmp_path):
    found = read(tmp_path, {name: case(name)})
    assert [document.fault for document in found] == [None] * len(texts)
    for document, text in zip(found, texts, strict=True):
        assert document.text.startswith(text)
        assert "SPEAKER" not in document.text.upper()
