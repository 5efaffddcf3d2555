"""One's own chats: Telegram's export as JSON, VK's archive."""

from __future__ import annotations

import json

import pytest

from femtogpt.errors import UserError
from tests.chats import attached, person, telegram, vk, vk_page
from tests.interviews import read

DAY = "2024-03-12T"
MESSAGES = [
    {
        "id": 1,
        "type": "service",
        "date": f"{DAY}09:59:00",
        "actor": "Анна",
        "action": "create_group",
    },
    telegram(2, "Анна", "Привет!", f"{DAY}10:00:00"),
    telegram(3, "Анна", ["Ты ", {"type": "bold", "text": "где"}, "?"], f"{DAY}10:00:20"),
    telegram(4, "Пётр", "Еду.\nСкоро буду.", f"{DAY}10:05:00", reply_to_message_id=2),
    telegram(5, "Пётр", "Чужие слова.", f"{DAY}10:06:00", forwarded_from="Газета"),
    telegram(6, "Анна", "", f"{DAY}10:07:00", media_type="sticker", sticker_emoji="👍"),
    telegram(7, "Анна", "", f"{DAY}10:07:30", photo="photos/1.jpg"),
    telegram(8, "Анна", [{"type": "link", "text": "https://a.ru"}, " "], f"{DAY}10:08:00"),
    telegram(9, "Анна", "https://a.ru/b", f"{DAY}10:08:10"),
    telegram(10, "Анна", "Вот дом.", f"{DAY}10:09:00", photo="photos/2.jpg"),
    telegram(11, "Анна", "gif", f"{DAY}10:09:30", via_bot="@gif"),
    telegram(12, "Пётр", "Ты дома?", f"{DAY}18:00:00"),
    telegram(13, "Анна", "Да.", f"{DAY}23:59:00"),
    telegram(14, "Пётр", "Хорошо.", "2024-03-13T00:01:00"),
]
CHAT = {"name": "Анна и Пётр", "type": "private_group", "id": 77, "messages": MESSAGES}
FIRST = "▸ Анна: Привет!\nТы где?\n▸ Пётр: Еду.\nСкоро буду.\n▸ Анна: Вот дом."
TOLD = (
    ": mended or left out while reading: .json messages with nothing but links left out: 2 (17"
    " letters); .json forwards left out, as other people's words: 1 (10 letters); .json messages"
    " of bots left out: 1 (3 letters); .json messages without text (stickers, pictures, voice)"
    " left out: 2; .json service messages left out: 1"
)


def export(*chats: dict) -> dict:
    return {"about": "…", "personal_information": {}, "chats": {"about": "…", "list": list(chats)}}


def test_a_chat_of_telegram_becomes_conversations_and_tells_what_is_left_out(tmp_path, caplog):
    documents = read(tmp_path, {"result.json": json.dumps(CHAT)})
    assert [(document.id, document.text, document.year) for document in documents] == [
        ("result#2024-03-12 10:00", FIRST, 2024),
        ("result#2024-03-12 18:00", "▸ Пётр: Ты дома?", 2024),
        ("result#2024-03-12 23:59", "▸ Анна: Да.", 2024),
        ("result#2024-03-13 00:01", "▸ Пётр: Хорошо.", 2024),
    ]
    assert caplog.messages == [f"{tmp_path}{TOLD}"]


def test_all_chats_of_an_account_are_apart_and_bots_are_left_out(tmp_path, caplog):
    bot = {"name": "Бот", "type": "bot_chat", "id": 5, "messages": MESSAGES[1:3]}
    other = {"name": "Вера", "type": "personal_chat", "id": 78, "messages": MESSAGES[1:4]}
    value = {**export(bot, CHAT, other), "left_chats": {"list": [{**other, "id": 79}]}}
    documents = read(tmp_path, {"result.json": json.dumps(value)})
    assert [document.id for document in documents] == [
        *("result#77 2024-03-12 10:00", "result#77 2024-03-12 18:00"),
        *("result#77 2024-03-12 23:59", "result#77 2024-03-13 00:01"),
        *("result#78 2024-03-12 10:00", "result#79 2024-03-12 10:00"),
    ]
    assert "messages of bots left out: 3" in caplog.text


@pytest.mark.parametrize(
    ("speakers", "text"),
    [
        ("letters", FIRST.replace("Анна", "А").replace("Пётр", "Б")),
        ("none", FIRST.replace("▸ Анна:", "—").replace("▸ Пётр:", "—")),
    ],
)
def test_names_are_shown_as_the_setting_says(tmp_path, speakers, text):
    document, *_ = read(tmp_path, {"result.json": json.dumps(CHAT)}, speakers=speakers)
    assert document.text == text
    assert "Анна" not in f"{document.speaker} {document.title} {document.id}"


def test_a_silence_is_as_long_as_the_setting_says(tmp_path):
    chat = {**CHAT, "messages": MESSAGES[1:12]}
    found = {
        hours: len(read(tmp_path / str(hours), {"a.json": json.dumps(chat)}, silence_hours=hours))
        for hours in (0.05, 4, 12)
    }
    assert found == {0.05: 4, 4: 2, 12: 1}


def test_people_of_equal_names_and_without_names_are_told_apart(tmp_path):
    people = [
        ("Анна", "user1"),
        ("Анна", "user2"),
        (None, "user3"),
        (None, "user4"),
        ("Анна", "user1"),
    ]
    messages = [
        {**telegram(number, name, f"Раз {number}.", f"{DAY}10:00:00"), "from_id": person}
        for number, (name, person) in enumerate(people)
    ]
    [document] = read(tmp_path, {"a.json": json.dumps({**CHAT, "messages": messages})})
    assert document.text == (
        "▸ Анна: Раз 0.\n▸ Анна 2: Раз 1.\n▸ А: Раз 2.\n▸ Б: Раз 3.\n▸ Анна: Раз 4."
    )


@pytest.mark.parametrize(
    "damage",
    [
        {"text": None}, {"text": [None, 3, {"text": 5}]}, {"date": "вчера"}, {"from": 5},
        {"from_id": ["x"]}, {"from": None, "from_id": None}, {"type": None},
    ],
)  # fmt: skip
def test_a_message_of_another_form_leaves_the_others(tmp_path, damage):
    messages = [MESSAGES[1], {**MESSAGES[2], **damage}, 5, MESSAGES[3]]
    documents = read(tmp_path, {"a.json": json.dumps({**CHAT, "messages": messages})})
    text = "\n".join(document.text for document in documents)
    assert "Привет!" in text
    assert "Скоро буду." in text


@pytest.mark.parametrize("value", [export(), export({"messages": 5}), {"chats": {"list": None}}])
def test_an_export_without_messages_is_a_fault(tmp_path, value):
    [document] = read(tmp_path, {"a.json": json.dumps(value)})
    assert document.fault == "there is no speech in it"


TEN = "12 мар 2024 в 10:0"
VK = [
    vk(
        1,
        person("Пётр Столяров", f"{TEN}0:00"),
        '<div class="kludges"><a>Пётр</a> создал чат</div>',
    ),
    vk(2, f"Вы, {TEN}0:10", "Привет!"),
    vk(3, f"Вы, {TEN}0:20 <span class='message-edited'>(ред.)</span>", "Ты<br>где? &#128512;"),
    vk(
        4,
        person("Пётр Столяров", f"{TEN}1:00"),
        f"Еду, <a href='#'>вот</a>.{attached('Фотография')}",
    ),
    vk(5, person("Пётр Столяров", f"{TEN}2:00"), attached("3 прикреплённых сообщения")),
    vk(6, f"Вы, {TEN}2:30", attached("Стикер")),
    vk(7, f"Вы, {TEN}2:40", "https://vk.com/wall-1_2"),
    vk(8, person("DELETED", f"{TEN}3:00"), "Я тоже."),
    vk(9, "Вы, 12 мая 2024 в 9:05:00", "Доброе утро."),
]
VK_FIRST = "▸ Вы: Привет!\nТы\nгде? 😀\n▸ Пётр Столяров: Еду, вот.\n▸ А: Я тоже."


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_the_pages_of_a_chat_of_vk_are_one_chat(tmp_path, caplog, pages):
    size = -(-len(VK) // pages)
    parts = [VK[start : start + size] for start in range(0, len(VK), size)]
    files = {
        f"messages/77/messages{50 * number}.html": vk_page(part)
        for number, part in enumerate(reversed(parts))
    }
    others = {"index.html": b"<p>VK</p>", "messages/index-messages.html": vk_page([])}
    documents = read(tmp_path, {**files, **others})
    assert [(document.id, document.text, document.year) for document in documents] == [
        ("messages/77#2024-03-12 10:00", VK_FIRST, 2024),
        ("messages/77#2024-05-12 09:05", "▸ Вы: Доброе утро.", 2024),
    ]
    [line] = caplog.messages
    assert sorted(line.split(": ", 2)[2].split("; ")) == [
        ".html descriptions of what is attached left out: 1 (21 letters)",
        ".html forwards left out, as other people's words: 1 (34 letters)",
        ".html messages with nothing but links left out: 1 (16 letters)",
        ".html messages without text (stickers, pictures, voice) left out: 1 (17 letters)",
        ".html pages left out, as only messages*.html of VK's archive are read: 2",
        ".html service messages left out: 1",
    ]


def test_in_vks_archive_one_has_the_name_that_a_setting_gives(tmp_path):
    document, _ = read(tmp_path, {"messages/7/messages0.html": vk_page(VK)}, own_name="Анна")
    assert document.text == VK_FIRST.replace("Вы", "Анна")


@pytest.mark.parametrize(
    ("name", "data"),
    [("messages50.html", b""), ("messages50.html", b"  \n "), ("messages50.html.gz", b"no gzip")],
)
def test_a_page_that_cannot_be_read_is_a_fault_and_leaves_the_others(tmp_path, name, data):
    files = {"messages/7/messages0.html": vk_page(VK), f"messages/7/{name}": data}
    first, _, page = read(tmp_path, files)
    assert first.text == VK_FIRST
    assert page.id == "messages/7#messages50.html"
    assert page.fault.startswith("the page messages50.html of the chat cannot be read: ")


def test_a_page_without_messages_is_no_fault(tmp_path):
    files = {"messages/7/messages0.html": vk_page(VK), "messages/7/messages50.html": vk_page([])}
    assert all(document.fault is None for document in read(tmp_path, files))


def test_a_page_of_something_else_is_a_fault_that_advises(tmp_path):
    [document] = read(
        tmp_path, {"ChatExport/messages.html": b"<div class='message default'>x</div>"}
    )
    assert document.fault.startswith("no messages of VK found in it; Telegram's are read")


def test_dates_in_english_are_read(tmp_path):
    page = vk_page([vk(1, "You, 2 Jan 2024 at 11:05:06 pm", "Да."), vk(2, "x", "Нет.")])
    [document] = read(tmp_path, {"messages/7/messages0.html": page})
    assert document.id == "messages/7#2024-01-02 23:05"


def test_a_page_alone_that_is_not_of_vk_is_refused_with_the_reason(tmp_path):
    with pytest.raises(UserError, match=r"only messages\*\.html of VK's archive are read\): give"):
        read(tmp_path, {"страница.html": "<p><b>Анна:</b> Да?</p>"})
