"""The bytes of a file as text, whatever their encoding."""

from __future__ import annotations

from femtogpt.sources.archives import Member
from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.encodings import decode


def decoded(file: Member) -> str:
    """Decode a file in any known encoding. Raises Unreadable if it is in none."""
    return decoded_bytes(file.read(), file.mended)


def decoded_bytes(data: bytes, mended: list[str]) -> str:
    """Decode text in any known encoding; note in ``mended`` what was wrong with it.

    Raises Unreadable if it is in none.
    """
    text = decode(data, mended)
    if text is None:
        raise Unreadable("it is not text in a known encoding")
    return text
