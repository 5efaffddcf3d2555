"""Plain text: a file is a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from femtogpt.sources.archives import Member
from femtogpt.sources.base import Document
from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.encodings import decode


def read(file: Member, settings: Any) -> Iterator[Document]:
    """Yield the file's text."""
    yield Document(file.name, decoded(file))


def decoded(file: Member) -> str:
    """Decode a file in any known encoding. Raises Unreadable if it is in none."""
    return decoded_bytes(file.read(), file.mended)


def decoded_bytes(data: bytes, mended: list[str]) -> str:
    """Decode text in any known encoding; note in ``mended`` if it is in several.

    Raises Unreadable if it is in none.
    """
    text = decode(data, mended)
    if text is None:
        raise Unreadable("it is not text in a known encoding")
    return text
