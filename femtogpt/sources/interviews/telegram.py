"""Chats from Telegram's export as JSON (``result.json``): one chat, or all of an account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from femtogpt.sources.interviews.chat import (
    BOTS,
    FORWARDS,
    ONLY_LINKS,
    POLLS,
    SERVICE,
    UNKNOWN,
    Message,
    Names,
    conversations,
    is_kept,
    left_out,
)
from femtogpt.sources.interviews.interview import Interview
from femtogpt.sources.interviews.left_out import LeaveOut

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
    chats: list[Mapping[str, Any]], silence_hours: float, leave_out: LeaveOut
) -> Iterator[Interview]:
    """Yield the conversations of each chat, and of each topic of it."""
    for number, chat in enumerate(chats, 1):
        name = str(chat.get("id") or number) if len(chats) > 1 else ""
        messages: list[Mapping[str, Any]]
        messages = [part for part in chat["messages"] if isinstance(part, dict)]
        if len(messages) < len(chat["messages"]):
            leave_out(UNKNOWN, "")
        is_bot = chat.get("type") == "bot_chat"
        names = Names()
        for topic, group in _by_topic(messages).items():
            key = f"{name} {topic}".strip()
            yield from conversations(_kept(group, names, is_bot, leave_out), key, silence_hours)


def _by_topic(messages: list[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Group the messages of a forum by topic; those of other chats have the name ""."""
    topics: dict[str, str] = {}  # by message
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for message in messages:
        number, above = str(message.get("id")), str(message.get("reply_to_message_id"))
        if message.get("action") == "topic_created":
            topics[number] = number
        elif above in topics:
            topics[number] = topics[above]
        groups.setdefault(topics.get(number, ""), []).append(message)
    return groups


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


def _kept(
    messages: list[Mapping[str, Any]], names: Names, is_bot: bool, leave_out: LeaveOut
) -> Iterator[Message]:
    for message in messages:
        text = _text(message.get("text") or message.get("text_entities"))
        reason = BOTS if is_bot else _reason(message, text)
        if is_kept(reason, _poll(message) if reason == POLLS else text, leave_out):
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
    if isinstance(message.get("poll"), dict):
        return POLLS
    parts = message.get("text")
    if text.strip() and isinstance(parts, list) and not _has_words(parts):
        return ONLY_LINKS
    return left_out(text)


def _poll(message: Mapping[str, Any]) -> str:
    poll = message["poll"]
    answers = poll.get("answers")
    parts = [poll.get("question"), *(answers if isinstance(answers, list) else [])]
    return " ".join(map(_text, ([part] for part in parts)))


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
