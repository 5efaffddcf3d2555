"""What the readers of transcripts leave out is told, by kind."""

from __future__ import annotations

import pytest

from femtogpt.sources.interviews.interviews_source import Interviews
from tests.files import as_file

TALK = "Анна: Привет.\nПётр: Да.\nАнна: Ну?\nПётр: Да!\n"
ASKED = "**Как вы начинали?**\n\nС табуретки.\n\n{}\n\n**А потом?**\n\nСтолы делал.\n"
PROSE = "Разговор записан летом на берегу реки, где хозяин мельницы чинил лодку."
TABLE = "| год | что |\n|---|---|\n| 1999 | стол |"


def told(caplog, tmp_path, name: str, text: str) -> list[str]:
    path = as_file(tmp_path / name, text)
    (document,) = Interviews(path=path).documents(tmp_path)
    assert document.fault is None
    return [message for message in caplog.messages if "left out" in message]


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.txt", f"Действующие лица\nАнна, хозяйка\nПётр, гость\n\n{TALK}", ".txt lines outside"),
        ("a.txt", f"{TALK}Глава 2\n{PROSE}\n{TALK}", ".txt lines outside the turns"),
        ("a.txt", f"{TALK}ЭПИЛОГ\n{PROSE}", ".txt lines outside the turns"),
        ("a.txt", f"Разговор на мельнице\n{TALK}", ".txt lines outside the turns"),
        ("a.md", ASKED.format(TABLE), ".md tables left out: 1"),
        ("a.md", ASKED.format("```\nкод\n```"), ".md code left out: 1"),
        ("a.md", ASKED.format("<div>Реклама</div>"), ".md HTML that is no prose left out: 1"),
    ],
)
def test_what_is_left_out_is_told(caplog, tmp_path, name, text, kind):
    (line,) = told(caplog, tmp_path, name, text)
    assert kind in line


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", TALK),
        ("a.txt", f"{PROSE}\n\n{TALK}"),
        ("a.txt", f"{TALK}-----\n00:12\n{TALK}"),
        ("a.md", ASKED.format("И ещё стулья.")),
        ("a.md", ASKED.format("<!-- скрыто -->")),
    ],
)
def test_nothing_is_told_where_all_is_kept(caplog, tmp_path, name, text):
    assert not told(caplog, tmp_path, name, text)
