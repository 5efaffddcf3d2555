"""Plain text: a file is a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from femtogpt.sources.archives import Member, Unreadable
from femtogpt.sources.base import Document
from femtogpt.sources.encodings import decode


def read(member: Member, settings: Any) -> Iterator[Document]:
    """The file's text."""
    yield Document(member.name, decoded(member.read()))


def decoded(data: bytes) -> str:
    """The text in any known encoding; Unreadable where there is none."""
    text = decode(data)
    if text is None:
        raise Unreadable("it is not text in a known encoding")
    return text
