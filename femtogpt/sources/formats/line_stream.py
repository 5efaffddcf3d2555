"""Large text files, decoded while they are read."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from femtogpt.sources.archives import Member
from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.encodings import encoding_of

SAMPLE_BYTES = 1 << 20  # show the encoding; if they are plain ASCII, as many more are read
MAX_SAMPLE_BYTES = 1 << 26


@contextmanager
def opened(file: Member) -> Iterator[TextIO]:
    """Open a file as text with its line ends; a byte that does not decode is a lone surrogate.

    Raises Unreadable if it is not text, perhaps while it is read.
    """
    with file.open() as stream:
        sample = stream.read(SAMPLE_BYTES)
        while sample.isascii() and len(sample) < MAX_SAMPLE_BYTES:
            more = stream.read(SAMPLE_BYTES)
            if not more:
                break
            sample += more
    whole_lines = sample[: sample.rfind(b"\n") + 1] if b"\0" not in sample else sample
    encoding = encoding_of(whole_lines or sample)
    if encoding is None:
        raise Unreadable("it is not text in a known encoding")
    with (
        file.open() as stream,
        io.TextIOWrapper(stream, encoding, "surrogateescape", newline="") as text,
    ):
        try:
            yield text
        except UnicodeDecodeError as error:  # in UTF-16
            raise Unreadable("it is cut off, or has bytes of another encoding") from error


def has_undecoded_bytes(text: str) -> bool:
    """Whether a byte could not be decoded."""
    try:
        text.encode()
    except UnicodeEncodeError:  # lone surrogates
        return True
    return False


def whole_characters(text: str) -> str:
    """Replace lone surrogates by U+FFFD: JSON may contain half a character where it was cut."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
