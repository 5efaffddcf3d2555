"""Large files of lines: decoded as they are read."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from femtogpt.sources.archives import Member, Unreadable
from femtogpt.sources.encodings import encoding_of

LOOK = 1 << 20  # bytes that tell the encoding; of plain ASCII, as many more as it goes on
MOST = 1 << 26


@contextmanager
def opened(member: Member) -> Iterator[TextIO]:
    """The file as text, its line ends kept; a byte that does not fit is a lone surrogate.

    Raises Unreadable where it is no text, also later on.
    """
    with member.open() as stream:
        look = stream.read(LOOK)
        while look.isascii() and len(look) < MOST and (more := stream.read(LOOK)):
            look += more
    whole_lines = look[: look.rfind(b"\n") + 1] if b"\0" not in look else look
    encoding = encoding_of(whole_lines or look)
    if encoding is None:
        raise Unreadable("it is not text in a known encoding")
    with (
        member.open() as stream,
        io.TextIOWrapper(stream, encoding, "surrogateescape", newline="") as text,
    ):
        try:
            yield text
        except UnicodeDecodeError as error:  # of UTF-16
            raise Unreadable("it is cut off, or has bytes of another encoding") from error


def is_broken(text: str) -> bool:
    """Whether there was a byte that does not fit."""
    try:
        text.encode()
    except UnicodeEncodeError:  # of lone surrogates
        return True
    return False
