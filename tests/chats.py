"""Exports of chats in the form of messengers, with invented people."""

from __future__ import annotations

from collections.abc import Sequence


def telegram(number: int, name: str | None, text: object, date: str, **more) -> dict:
    """A message in Telegram's result.json."""
    person = {"from": name, "from_id": f"user{name}"}
    return {"id": number, "type": "message", "date": date, **person, "text": text, **more}


def vk(number: int, header: str, body: str) -> str:
    """A message on a page of VK's archive; the header has the name and the date."""
    return (
        f'<div class="item"><div class="item__main"><div class="message" data-id="{number}">'
        f'<div class="message__header">{header}</div><div>{body}</div></div></div></div>\n'
    )


def person(name: str, date: str) -> str:
    return f'<a href="https://vk.com/{len(name)}{ord(name[0])}">{name}</a>, {date}'


def attached(description: str) -> str:
    return (
        '<div class="kludges"><div class="attachment"><div class="attachment__description">'
        f"{description}</div><a class='attachment__link' href='https://vk.com/x'>"
        "https://vk.com/x</a></div></div>"
    )


def vk_page(messages: Sequence[str]) -> bytes:
    """A page: the newest message first."""
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="windows-1251"><title>VK</title></head><body>'
        '<div class="page_block_header"><a class="ui_crumb" href="../index-messages.html">'
        'Сообщения</a><div class="ui_crumb">Чат</div></div><div class="wrap_page_content">\n'
        + "".join(reversed(messages))
        + "</div></body></html>\n"
    ).encode("cp1251", "xmlcharrefreplace")
