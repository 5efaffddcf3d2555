"""Chats from Telegram's export as JSON (``result.json``): one chat, or all of an account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from femtogpt.sources.interviews.chat import (
    BOTS,
    FORWARDS,
    ONLY_LINKS,
    SERVICE,
    Message,
    Names,
    conversations,
    left_out,
    tally,
)
from femtogpt.sources.interviews.interview import Interview

_NOT_WORDS = {"link", "text_link", "mention", "mention_name", "hashtag", "bot_command", "email"}


def chats(value: Any) -> list[Mapping[str, Any]] | None:
    """Return the chats in a JSON value; None if it is no export of Telegram's."""
    if not isinstance(value, dict):
        return None
    if _is_chat(value):
        return [value]
    lists = [value.get(name) for name in ("chats", "left_chats")]
    found = [part["list"] for part in lists if isinstance(part, dict) and "list" in part]
    if not found:
        return None
    return [
        chat
        for part in found
        if isinstance(part, list)
        for chat in part
        if isinstance(chat, dict) and isinstance(chat.get("messages"), list)
    ]


def read(
    chats: list[Mapping[str, Any]], silence_hours: float, counts: Counter[str]
) -> Iterator[Interview]:
    """Yield the conversations of each chat; ``counts`` tells what is left out."""
    for number, chat in enumerate(chats, 1):
        name = str(chat.get("id") or number) if len(chats) > 1 else ""
        yield from conversations(_messages(chat, counts), name, silence_hours)


def _is_chat(value: Mapping[str, Any]) -> bool:
    messages = value.get("messages")
    return isinstance(messages, list) and any(map(_is_message, messages))


def _is_message(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.get("type") in ("message", "service")
        and isinstance(value.get("date"), str)
        and bool({"from", "from_id", "actor", "actor_id"} & value.keys())
    )


def _messages(chat: Mapping[str, Any], counts: Counter[str]) -> Iterator[Message]:
    names = Names()
    is_bot = chat.get("type") == "bot_chat"
    for message in chat["messages"]:
        if not isinstance(message, dict):
            continue
        text = _text(message.get("text"))
        if tally(counts, BOTS if is_bot else _reason(message, text)):
            name = message.get("from")
            name = name.strip() or None if isinstance(name, str) else None
            person = str(message.get("from_id") or name)
            yield Message(names.of(person, name), text, _date(message.get("date")))


def _reason(message: Mapping[str, Any], text: str) -> str | None:
    """Say why a message is left out; None if it is kept. Replies are their writers' own words."""
    if message.get("type") != "message":
        return SERVICE
    if message.get("forwarded_from") or message.get("forwarded_from_id"):
        return FORWARDS
    if message.get("via_bot"):
        return BOTS
    parts = message.get("text")
    if text.strip() and isinstance(parts, list) and not _has_words(parts):
        return ONLY_LINKS
    return left_out(text)


def _text(value: Any) -> str:
    """Join a text; it is a string, or a list of strings and of entities (links, bold text)."""
    if isinstance(value, list):
        return "".join(map(_part, value))
    return value if isinstance(value, str) else ""


def _part(part: Any) -> str:
    text = part.get("text") if isinstance(part, dict) else part
    return text if isinstance(text, str) else ""


def _has_words(parts: list[Any]) -> bool:
    return any(
        _part(part).strip()
        for part in parts
        if not (isinstance(part, dict) and part.get("type") in _NOT_WORDS)
    )


def _date(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except (TypeError, ValueError):
        return None
