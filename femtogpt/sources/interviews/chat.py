"""Messages of a chat as conversations: what exports of different messengers have in common."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from femtogpt.sources.interviews.interview import About, Interview
from femtogpt.sources.interviews.left_out import LeaveOut
from femtogpt.sources.interviews.turns import Turn

SERVICE = "service messages left out"
FORWARDS = "forwards left out, as other people's words"
BOTS = "messages of bots left out"
POLLS = "polls left out"
ATTACHED = "descriptions of what is attached left out"
UNKNOWN = "messages of an unknown form left out"
NO_TEXT = "messages without text (stickers, pictures, voice) left out"
ONLY_LINKS = "messages with nothing but links left out"
_LINK = re.compile(r"(?:https?://|www\.|t\.me/|vk\.com/|@)\S+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Message:
    """What one person wrote at once."""

    speaker: str
    text: str
    when: datetime | None  # in the time of the person who exported it; None if unknown


@dataclass
class Names:
    """Names of the people in a chat: different for different people."""

    _by_person: dict[Hashable, str] = field(default_factory=dict)

    def of(self, person: Hashable, name: str | None) -> str:
        """Return a person's name; one without a name is numbered (and becomes a letter)."""
        known = self._by_person.get(person)
        if known is None:
            known = name or f"Участник {len(self._by_person) + 1}"
            taken, number = set(self._by_person.values()), 2
            while known in taken:
                known = f"{name or 'Участник'} {number}"
                number += 1
            self._by_person[person] = known
        return known


def has_words(text: str) -> bool:
    """Whether a message has more than links."""
    return bool(_LINK.sub("", text).strip())


def left_out(text: str) -> str | None:
    """Say why a text is left out; None if it is kept."""
    if not text.strip():
        return NO_TEXT
    return None if has_words(text) else ONLY_LINKS


def conversations(
    messages: Iterable[Message], chat: str, silence_hours: float
) -> Iterator[Interview]:
    """Yield a chat's conversations: another day, or a long silence, begins the next one."""
    silence = timedelta(hours=silence_hours)
    current: list[Message] = []
    last: datetime | None = None
    for message in messages:
        when = message.when
        if when and last and (when.date() != last.date() or when - last >= silence):
            yield _interview(current, chat)
            current = []
        current.append(message)
        last = when or last
    if current:
        yield _interview(current, chat)


def _interview(messages: list[Message], chat: str) -> Interview:
    start = next((message.when for message in messages if message.when), None)
    turns = [Turn(message.speaker, tuple(message.text.splitlines())) for message in messages]
    key = f"{chat} {start:%Y-%m-%d %H:%M}".strip() if start else chat
    return Interview(turns, About(year=start.year if start else None), key or None)


def is_kept(reason: str | None, text: str, leave_out: LeaveOut) -> bool:
    """Whether there is no reason to leave a message out; otherwise that is told."""
    if reason is not None:
        leave_out(reason, text)
    return reason is None
