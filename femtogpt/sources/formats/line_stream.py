"""Large text files, decoded while they are read."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from femtogpt.sources.archives import Member
from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.encodings import HALVES, decode, encoding_of, marked

SAMPLE_BYTES = 1 << 20  # show the encoding; if they are plain ASCII, as many more are read
MAX_SAMPLE_BYTES = 1 << 26
MAX_NULS = 0.01  # of the bytes of a text that is in no wide encoding
MIN_FOREIGN_BYTES = 60  # outside ASCII, that show which encoding a piece of a file is in


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
    encoding = _encoding(sample)
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


def _encoding(sample: bytes) -> str | None:
    whole_lines = sample[: sample.rfind(b"\n") + 1] if b"\0" not in sample else sample
    encoding = encoding_of(whole_lines or sample)
    if encoding is None and 0 < sample.count(b"\0") < MAX_NULS * len(sample):
        return _encoding(sample.replace(b"\0", b""))  # single ones, as broken programs write them
    return encoding or _of_most_lines(whole_lines)


def _of_most_lines(sample: bytes) -> str | None:
    """Return UTF-8 if most lines with letters outside ASCII are in it: rows may be of elsewhere."""
    lines = [line for line in sample.split(b"\n") if not line.isascii()]
    if b"\0" in sample or not lines:
        return None
    return "utf-8" if 2 * sum(map(_is_utf8, lines)) > len(lines) else None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def has_undecoded_bytes(text: str) -> bool:
    """Whether a byte could not be decoded."""
    try:
        text.encode()
    except UnicodeEncodeError:  # lone surrogates
        return True
    return False


def decoded_apart(text: str, encoding: str | None, mended: list[str]) -> str | None:
    """Decode a piece of a file whose bytes are not in the file's encoding.

    Returns None if the piece is too short to show its own, or is not text. ``mended`` gets what was
    wrong with it.
    """
    data = text.encode(encoding or "utf-8", "surrogateescape")
    is_shown = sum(byte >= 0x80 for byte in data) >= MIN_FOREIGN_BYTES
    return decode(data, mended) if is_shown else None


def whole_characters(text: str, mended: list[str] | None = None) -> str:
    """Replace lone surrogates by U+FFFD: JSON may contain half a character where it was cut.

    Each is noted in ``mended``.
    """
    if not has_undecoded_bytes(text):
        return text
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return marked(whole, [] if mended is None else mended, HALVES)
