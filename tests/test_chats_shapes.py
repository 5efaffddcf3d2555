"""Exports of chats in the shapes in which messengers write them."""

from __future__ import annotations

import json

import pytest

from femtogpt.source_kinds import source_kinds
from tests.chats import attached, person, telegram, vk, vk_page
from tests.interviews import read

DAY = "2024-03-12T10:0"
HELLO = telegram(1, "Анна", "Привет!", f"{DAY}0:00")
BYE = telegram(9, "Пётр", "Пока.", f"{DAY}9:00")


def text_of(folder, *messages: dict, **chat) -> str:
    chat = {"name": "Чат", "type": "personal_chat", "id": 7, **chat, "messages": list(messages)}
    documents = read(folder, {"result.json": json.dumps(chat, ensure_ascii=False)})
    assert all(document.fault is None for document in documents)
    return "\n".join(document.text for document in documents)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (telegram(5, "Анна", "Исправлено.", f"{DAY}1:00", edited=f"{DAY}2:00"), "Исправлено."),
        (telegram(5, "Анна", "Отвечаю.", f"{DAY}1:00", reply_to_message_id=1), "Отвечаю."),
        (telegram(5, "Анна", "Подпись.", f"{DAY}1:00", photo="a.jpg", width=3), "Подпись."),
        (
            telegram(
                5,
                "Анна",
                ["Смотри: ", {"type": "link", "text": "https://a.ru"}, " да"],
                f"{DAY}1:00",
            ),
            "Смотри: https://a.ru да",
        ),
        (
            telegram(5, "Анна", [{"type": "plain", "text": "Все"}, " вместе"], f"{DAY}1:00"),
            "Все вместе",
        ),
        (
            {
                **telegram(5, "Анна", "", f"{DAY}1:00"),
                "text_entities": [
                    {"type": "plain", "text": "Только "},
                    {"type": "bold", "text": "так."},
                ],
            },
            "Только так.",
        ),
        (telegram(5, "Анна", [{"type": "spoiler", "text": "Тайна."}], f"{DAY}1:00"), "Тайна."),
        (
            telegram(5, "Анна", [{"type": "custom_emoji", "text": "😀"}, " Ура"], f"{DAY}1:00"),
            "😀 Ура",
        ),
        (
            telegram(5, "Анна", "Раз.\n\nДва.", f"{DAY}1:00", reactions=[{"emoji": "👍"}]),
            "Раз.\nДва.",
        ),
        (
            telegram(5, "Анна", "Дата числом.", f"{DAY}1:00", date_unixtime="1710237660"),
            "Дата числом.",
        ),
    ],
)
def test_a_message_that_somebody_wrote_is_kept(tmp_path, caplog, message, line):
    assert text_of(tmp_path, HELLO, message, BYE) == f"▸ Анна: Привет!\n{line}\n▸ Пётр: Пока."
    assert not caplog.messages


POLL = {"question": "Едем?", "closed": True, "answers": [{"text": "Да", "voters": 2}]}
SERVICE = {"id": 5, "type": "service", "date": f"{DAY}1:00", "actor": "Анна", "actor_id": "user1"}


@pytest.mark.parametrize(
    ("message", "log"),
    [
        (telegram(5, "Анна", "", f"{DAY}1:00", poll=POLL), "polls left out: 1 (6 letters)"),
        (
            telegram(5, "Анна", "", f"{DAY}1:00", contact_information={"first_name": "Вера"}),
            "messages without text (stickers, pictures, voice) left out: 1",
        ),
        (
            telegram(5, "Анна", "", f"{DAY}1:00", location_information={"latitude": 55.7}),
            "messages without text (stickers, pictures, voice) left out: 1",
        ),
        (
            {**SERVICE, "action": "phone_call", "duration_seconds": 60},
            "service messages left out: 1",
        ),
        ({**SERVICE, "action": "pin_message", "message_id": 1, "text": ""}, "service messages"),
        (
            telegram(5, "Анна", "Раз.\nДва.\n\nТри.", f"{DAY}1:00", forwarded_from="Газета"),
            "forwards left out, as other people's words: 1 (9 letters)",
        ),
        (
            telegram(
                5, "Анна", "Слова.", f"{DAY}1:00", forwarded_from=None, forwarded_from_id="user8"
            ),
            "forwards left out, as other people's words: 1 (5 letters)",
        ),
        (
            telegram(5, "Анна", [{"type": "mention", "text": "@petr"}], f"{DAY}1:00"),
            "messages with nothing but links left out: 1 (4 letters)",
        ),
        (5, "messages of an unknown form left out: 1"),
    ],
)
def test_a_message_that_is_left_out_is_told(tmp_path, caplog, message, log):
    assert text_of(tmp_path, HELLO, message, BYE) == "▸ Анна: Привет!\n▸ Пётр: Пока."
    assert log in caplog.text


def test_saved_messages_are_ones_own_words(tmp_path):
    saved = [telegram(number, "Анна", f"Мысль {number}.", f"{DAY}{number}:00") for number in (1, 2)]
    text = text_of(tmp_path, *saved, name=None, type="saved_messages")
    assert text == "▸ Анна: Мысль 1.\nМысль 2."


def test_topics_of_a_forum_are_apart(tmp_path):
    topics = [
        {**SERVICE, "id": number, "action": "topic_created", "title": f"Тема {number}"}
        for number in (2, 3)
    ]
    messages = [
        telegram(4, "Анна", "О хлебе.", f"{DAY}2:00", reply_to_message_id=2),
        telegram(5, "Пётр", "О воде.", f"{DAY}3:00", reply_to_message_id=3),
        telegram(6, "Пётр", "Да, хлеб.", f"{DAY}4:00", reply_to_message_id=4),
        telegram(7, "Анна", "Обо всём.", f"{DAY}5:00"),
    ]
    chat = {"name": "Чат", "type": "private_supergroup", "id": 7, "messages": topics + messages}
    documents = read(tmp_path, {"result.json": json.dumps(chat)})
    assert {document.id: document.text for document in documents} == {
        "result#2 2024-03-12 10:02": "▸ Анна: О хлебе.\n▸ Пётр: Да, хлеб.",
        "result#3 2024-03-12 10:03": "▸ Пётр: О воде.",
        "result#2024-03-12 10:05": "▸ Анна: Обо всём.",
    }


TEN = "12 мар 2024 в 10:0"


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (vk(2, f"Вы, {TEN}1:00", "Раз<br>Два<br/>Три"), "Раз\nДва\nТри"),
        (vk(2, f"Вы, {TEN}1:00", "Ура &#128512; «да»"), "Ура 😀 «да»"),
        (vk(2, f"Вы, {TEN}1:00", '<img class="emoji" alt="😀" src="a.png">Ура'), "😀Ура"),
        (vk(2, f"Вы, {TEN}1:00 (ред.)", "Правка."), "Правка."),
        (vk(2, f"Вы, {TEN}1:00", f"Смотри.{attached('Фотография')}"), "Смотри."),
        (vk(2, f"Вы, {TEN}1:00", f"Вот.{attached('2 прикреплённых сообщения')}"), "Вот."),
        (vk(2, f"You, {TEN}1:00", "По-английски."), "По-английски."),
        (vk(2, f"Вы, {TEN}1:00", "А &lt; Б &amp; В"), "А < Б & В"),
    ],
)
def test_what_a_page_of_vk_shows_is_read(tmp_path, message, line):
    page = vk_page(
        [
            vk(1, f"Вы, {TEN}0:00", "Привет!"),
            message,
            vk(3, person("DELETED", f"{TEN}9:00"), "Пока."),
        ]
    )
    [document] = read(tmp_path, {"messages/7/messages0.html": page})
    assert document.text == f"▸ Вы: Привет!\n{line}\n▸ А: Пока."


def test_forwards_that_a_page_of_vk_quotes_are_left_out_and_told(tmp_path, caplog):
    quoted = f'Смотри.<div class="kludges">{vk(9, person("Вера", f"{TEN}0:00"), "Чужое.")}</div>'
    page = vk_page([vk(1, f"Вы, {TEN}0:00", quoted), vk(2, f"Вы, {TEN}1:00", "Да.")])
    [document] = read(tmp_path, {"messages/7/messages0.html": page})
    assert document.text == "▸ Вы: Смотри.\nДа."
    assert "forwards left out, as other people's words: 1" in caplog.text


def test_a_page_of_vk_in_windows_1251_is_read_as_such(tmp_path):
    page = vk_page(
        [vk(1, person("Пётр", f"{TEN}0:00"), "Ёж — «свой»…"), vk(2, f"Вы, {TEN}1:00", "Да.")]
    )
    assert "Ёж".encode("cp1251") in page
    [document] = read(tmp_path, {"messages/7/messages0.html": page})
    assert document.text == "▸ Пётр: Ёж — «свой»…\n▸ Вы: Да."


@pytest.mark.parametrize(
    "damaged",
    [
        {"b.json": b'{"messages": [{"id": 1,'},
        {"b.txt": b"\x00\x01\x02\xff" * 50},
        {"b.srt": b""},
        {"b.md": b"---\n? [a]: b\n? {c: d}\n---\n\nText."},
        {"b.csv": b"\x00"},
        {"b.zip": b"PK\x03\x04"},
        {"b.json": b"[" * 100_000},
        {"messages/7/messages0.html": b""},
        {"b.jsonl": b"5\n6\n"},
        {"b.csv": b"a,b\n1,2\n"},
        {"b.vtt": b"WEBVTT"},
        {"b.txt.gz": b"no gzip"},
        {"b.md": b"---\na: &a [1,1]\nb: &b [*a,*a]\ntitle: [*b,*b]\n---\n\nText."},
    ],
)
def test_one_unreadable_file_never_ends_a_run(tmp_path, damaged):
    documents = read(tmp_path, {"a.txt": "Анна: Привет!\nПётр: Пока.\n" * 3, **damaged})
    assert [document.fault is None for document in documents].count(True) == 1
    assert len(documents) >= 2


@pytest.mark.parametrize("kind", ["files", "interviews", "kaggle", "wiki"])
def test_a_run_is_stopped_by_a_file_only_if_a_source_asks(kind):
    assert source_kinds()[kind].load().model_fields["not_text"].default == "reject"
