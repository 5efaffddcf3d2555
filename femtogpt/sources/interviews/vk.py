"""Chats from VK's archive of one's own data: ``messages/ID/messages0.html``, ``messages50.html``.

A page holds 50 messages, the newest first; the pages of a chat are read as one file.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, cast

from lxml import etree
from lxml import html as lxml_html

from femtogpt.sources.archives import Member, Unreadable
from femtogpt.sources.encodings import decode, marked
from femtogpt.sources.interviews.chat import (
    ATTACHED,
    FORWARDS,
    SERVICE,
    Message,
    Names,
    conversations,
    is_kept,
    left_out,
)
from femtogpt.sources.interviews.interview import Interview, NoDialogue
from femtogpt.sources.interviews.left_out import LeaveOut

if TYPE_CHECKING:
    from femtogpt.sources.interviews.interviews_source import Interviews

SUFFIX = ".html"
OTHER_PAGES = "pages left out, as only messages*.html of VK's archive are read"
NO_HEADER = "messages without a name and a date left out"
_PAGE = re.compile(r"messages(\d*)\.html", re.IGNORECASE)
_START = b"\n<!-- a page of the chat: %b -->\n"  # between the pages that are read as one file
_STARTS = re.compile(rb"\n<!-- a page of the chat: (messages\d*\.html) -->\n", re.IGNORECASE)
_FAULT = b"<!-- cannot be read: %b -->"
_FAULTY = re.compile(rb"<!-- cannot be read: (.*) -->", re.DOTALL)
_YOU = ("Вы", "You")
_DELETED = ("DELETED", "")
_MONTHS = ("янв", "фев", "мар", "апр", "ма", "июн", "июл", "авг", "сен", "окт", "ноя", "дек")
_ENGLISH = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DATE = re.compile(
    r"(?i)(\d{1,2})\s+([а-яa-z]{3,9})\.?\s+(\d{4})\s+(?:в|at)\s+(\d{1,2}):(\d\d)(?::(\d\d))?(\s*[ap]m)?"
)
_FORWARDED = re.compile(r"(?i)прикрепл\w+\s+сообщени|forwarded|attached\s+message")


def joined_pages(files: Sequence[Member]) -> list[Member]:
    """Put the pages of a chat together as one file, named as their folder is.

    Of pages, only these are kept: an archive has many others.
    """
    result: list[Member] = []
    chats: dict[str, list[tuple[int, Member]]] = {}
    for file in files:
        if file.suffix != SUFFIX:
            result.append(file)
        elif match := _PAGE.fullmatch(file.path.name):
            folder = str(file.path.parent)
            name = f"{folder}.html" if folder != "." else file.name
            if name not in chats:
                chats[name] = []
                result.append(Member(name, partial(_joined, chats[name])))
            chats[name].append((int(match[1] or 0), file))
        else:
            file.leave_out(OTHER_PAGES, "")
    return result


def _joined(pages: list[tuple[int, Member]]) -> BinaryIO:
    contents = []
    for _, page in sorted(pages, key=lambda numbered: numbered[0]):
        contents.append(_START % page.path.name.encode())
        try:
            contents.append(page.read())
        except Unreadable as error:
            contents.append(_FAULT % str(error).encode())
    return io.BytesIO(b"".join(contents))


def read(file: Member, settings: Interviews) -> Iterator[Interview]:
    """Read the conversations of a chat. Raises NoDialogue if there is no message."""
    _, *parts = _STARTS.split(file.read())
    found: list[_Shown] = []
    faults: dict[str, str] = {}  # by page
    for name, data in zip(parts[::2], parts[1::2], strict=True):
        try:
            found += _page(data, file)
        except Unreadable as error:
            faults[name.decode()] = str(error)
    if not found:
        raise NoDialogue(
            "no messages of VK found in it; Telegram's are read from an export as JSON"
            " (machine-readable), not as HTML"
        )
    if all(message.number is not None for message in found):
        found.sort(key=lambda message: message.number or 0)
    else:
        found.reverse()
    names = Names()
    kept = [
        Message(_name(message, names, settings.own_name), message.text, message.when)
        for message in found
        if is_kept(_reason(message), message.text or message.attached, file.leave_out)
    ]
    yield from conversations(kept, "", settings.silence_hours)
    for page, fault in faults.items():
        yield Interview([], key=page, fault=f"the page {page} of the chat cannot be read: {fault}")


@dataclass(frozen=True, slots=True)
class _Shown:
    """A message as its page shows it."""

    number: int | None
    name: str
    address: str  # of its writer's page; "" for oneself
    when: datetime | None
    text: str
    attached: str  # descriptions of attachments
    is_action: bool  # such as an invitation, told by VK itself


def _page(data: bytes, file: Member) -> list[_Shown]:
    """Find the messages of a page. Raises Unreadable if it is no page."""
    if fault := _FAULTY.fullmatch(data):
        raise Unreadable(fault[1].decode(errors="replace"))
    text = _decoded(data, file.mended)
    if not text.strip():
        raise Unreadable("it is empty, or no text")
    parser = lxml_html.HTMLParser(huge_tree=True, encoding="utf-8")
    try:
        root = lxml_html.document_fromstring(text.encode(errors="replace"), parser=parser)
    except (etree.LxmlError, ValueError) as error:
        raise Unreadable("it is no HTML") from error
    found = [element for element in _of_class(root, "message") if not _is_within(element)]
    messages = []
    for element in found:
        if _of_class(element, "message__header"):
            messages.append(_shown(element, file.leave_out))
        else:
            file.leave_out(NO_HEADER, _text(element))
    return messages


def _is_within(message: etree._Element) -> bool:
    """Whether a message is forwarded within another one."""
    classes = (str(above.get("class", "")).split() for above in message.iterancestors())
    return any("message" in names for names in classes)


def _decoded(data: bytes, mended: list[str]) -> str:
    """Decode a page; a short one is too little to show its encoding, so its own word counts."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        is_said = b"windows-1251" in data[:2000].lower()
        if is_said:
            return marked(data.decode("cp1251", "replace"), mended)
        return decode(data, mended) or ""


def _shown(element: etree._Element, leave_out: LeaveOut) -> _Shown:
    for forwarded in _of_class(element, "message"):
        leave_out(FORWARDS, _text(forwarded))
        _remove(forwarded)
    headers = _of_class(element, "message__header")
    header = _text(headers[0]) if headers else ""
    date = _DATE.search(header)
    name = header[: date.start()] if date else header
    links = headers[0].xpath(".//a/@href") if headers else []
    attachments = _of_class(element, "attachment")
    attached = " ".join(map(_text, attachments))
    for part in [*headers, *attachments]:
        _remove(part)
    others = _of_class(element, "kludges")
    action = " ".join(map(_text, others)).strip()
    for part in others:
        _remove(part)
    number = str(element.get("data-id", ""))
    text = "\n".join(filter(None, map(str.strip, _text(element).split("\n"))))
    if text and attached.strip():
        leave_out(FORWARDS if _FORWARDED.search(attached) else ATTACHED, attached)
    if text and action:
        leave_out(SERVICE, action)
    return _Shown(
        int(number) if number.isdecimal() else None,
        " ".join(name.strip(" ,\n\xa0").split()),
        str(links[0]) if links else "",
        _when(date) if date else None,
        text,
        " ".join(attached.split()),
        bool(action),
    )


def _reason(message: _Shown) -> str | None:
    """Say why a message is left out; None if it is kept."""
    if message.text:
        return left_out(message.text)
    if message.is_action:
        return SERVICE
    return FORWARDS if _FORWARDED.search(message.attached) else left_out("")


def _name(message: _Shown, names: Names, own_name: str | None) -> str:
    is_own = message.name in _YOU and not message.address
    if is_own:
        return names.of("", own_name or message.name)
    known = message.name if message.name not in _DELETED else None
    return names.of(message.address or message.name, known)


def _when(date: re.Match[str]) -> datetime | None:
    day, name, year, hour, minute, second, half = date.groups()
    name = name.casefold()
    months = _MONTHS if re.match("[а-я]", name) else _ENGLISH
    month = next((at for at, start in enumerate(months, 1) if name.startswith(start)), 0)
    hours = int(hour) % 12 + 12 * (half.strip().casefold() == "pm") if half else int(hour)
    try:
        return datetime(int(year), month, int(day), hours, int(minute), int(second or 0))
    except ValueError:
        return None


def _of_class(element: etree._Element, name: str) -> list[etree._Element]:
    found = element.xpath(
        ".//*[contains(concat(' ', normalize-space(@class), ' '), $name)]", name=f" {name} "
    )
    return cast(list[etree._Element], found)


def _text(element: etree._Element) -> str:
    """Return an element's text: line breaks as such, pictures of emoji as emoji."""
    parts = [element.text or ""]
    for child in element:
        if child.tag == "br":
            parts.append("\n")
        elif child.tag == "img":
            parts.append(child.get("alt") or "")
        elif isinstance(child.tag, str):
            parts += ["\n"] * (child.tag == "div") + [_text(child)]
        parts.append(child.tail or "")
    return "".join(parts)


def _remove(element: etree._Element) -> None:
    """Remove an element, but not the text after it."""
    parent = element.getparent()
    if parent is not None:
        before = element.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + (element.tail or "")
        else:
            parent.text = (parent.text or "") + (element.tail or "")
        parent.remove(element)
