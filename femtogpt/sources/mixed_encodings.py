"""Texts whose parts are in different encodings, as files joined from several often are.

A part is a line, or a word where a line has both. UTF-8 shows itself by its form; among the 8-bit
encodings the one is taken in which the words are most Russian. Time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from femtogpt.sources.russian import russian

Detect = Callable[[bytes], str | None]  # the 8-bit encoding of some bytes; None if in none
INNER_CAPITAL = b"\1\2"  # as letter classes: a lower-case letter and a capital after it
IN_CAPITALS = b"\2" * 6
MISPRINT_BYTES = 300_000  # of text, in which one inner capital may be a misprint
SURE_GAIN = 10.0  # in the score of a line, by which one of two encodings is right
SAMPLE_BYTES = 4096  # of a line, by which it is scored
MAX_BROKEN = 0.03  # of the characters beyond ASCII
FEW_BROKEN = 3  # characters, in however short a text
SURE_BYTES = 3  # beyond ASCII: a word of so many that is not UTF-8 is in another encoding
CHANCE_BYTES = 12  # beyond ASCII: so many are hardly by chance what they look like
_FIRST_OR_SECOND = bytes(  # a letter in UTF-8 has two bytes
    1 if byte in (0xD0, 0xD1) else 2 if 0x80 <= byte <= 0xBF else 0 for byte in range(0x100)
)
_FOUR_LETTERS = b"\1\2" * 4  # by chance in no encoding
_TOKEN = re.compile(rb"[^\s<>]+")
_ASCII, _HIGH = bytes(range(0x80)), bytes(range(0x80, 0x100))
_USUAL = re.compile(rb"(?:[\xd0-\xd3][\x80-\xbf]|\xc2[\xa0-\xbf]|\xe2\x80[\x80-\xbf])+")  # in UTF-8
_WIDE_LE = re.compile(rb"(?:[\t\n\r -~\xa0-\xff]\x00|[\x01-\xff]\x04|[\x10-\x3a]\x20|\x16\x21){8,}")
_WIDE_BE = re.compile(rb"(?:\x00[\t\n\r -~\xa0-\xff]|\x04[\x01-\xff]|\x20[\x10-\x3a]|\x21\x16){8,}")


def has_utf_8(data: bytes) -> bool:
    """Whether a part of bytes that are not UTF-8 as a whole is Russian text in UTF-8."""
    return _FOUR_LETTERS in data.translate(_FIRST_OR_SECOND)


def with_utf_8(data: bytes, detect: Detect) -> tuple[str, set[str]] | None:
    """Decode text that is partly in UTF-8, partly in an 8-bit encoding, or in two of them.

    Returns the text and the encodings; None if too much of it is in neither.
    """
    lines = data.splitlines(keepends=True)
    texts = [line.decode() if _is_utf_8(line) else None for line in lines]
    others = [line for line, text in zip(lines, texts, strict=True) if text is None]
    foreign = b" ".join(word for line in others for word in _foreign(line))
    is_shown = len(foreign.translate(None, _ASCII)) >= CHANCE_BYTES  # fewer may be broken letters
    encoding = detect(foreign) if is_shown else None
    encodings = {encoding} if encoding else set()
    whole = [line for line in others if not _has_both(line)]
    if encoding and (in_two := _lines_in_two(whole, encoding, detect)):
        read, encodings = iter(in_two[0]), in_two[1]
        texts = [
            next(read) if text is None and not _has_both(line) else text
            for line, text in zip(lines, texts, strict=True)
        ]
    decoded = "".join(
        _mixed_line(line, encoding) if text is None else text
        for line, text in zip(lines, texts, strict=True)
    )
    beyond = len(decoded) - len(data.translate(None, _HIGH))
    if decoded.count("\ufffd") > max(FEW_BROKEN, MAX_BROKEN * beyond):
        return None
    return decoded.lstrip("\ufeff"), {"utf-8", *encodings}


def with_8_bit(data: bytes, encoding: str, detect: Detect) -> tuple[str, set[str]] | None:
    """Decode text mostly in one 8-bit encoding whose other lines are in another.

    Returns the text and the encodings; None if all of it is in that one.
    """
    found = _lines_in_two(data.splitlines(keepends=True), encoding, detect)
    return found and ("".join(found[0]), found[1])


def _lines_in_two(
    lines: list[bytes], encoding: str, detect: Detect
) -> tuple[list[str], set[str]] | None:
    data = b"".join(lines)
    classes = _letter_classes(encoding)
    letters = data.translate(classes)
    inner_capitals = letters.count(INNER_CAPITAL)
    if not inner_capitals or (
        inner_capitals < 3 + len(data) // MISPRINT_BYTES and IN_CAPITALS not in letters
    ):
        return None
    odd = [line for line in lines if INNER_CAPITAL in line.translate(classes)]
    other = detect(b" ".join(odd))
    if other is None or other == encoding:
        return None
    current = encoding
    used = set()
    parts = []
    for line in lines:
        if not line.isascii():
            gain = _score(line, other) - _score(line, encoding)
            if abs(gain) > SURE_GAIN:  # a short line is in the encoding of those before it
                current = other if gain > 0 else encoding
            used.add(current)
        parts.append(line.decode(current, "replace"))
    return None if used == {encoding} else (parts, used)


def without_wide(data: bytes) -> tuple[bytes, bool]:
    """Convert parts in UTF-16 to UTF-8; return the bytes and whether there were any."""
    if b"\0" not in data and b"\x04" not in data:
        return data, False
    mark = data.find(b"\xfe\xff")
    pattern, codec = (
        (_WIDE_BE, "utf-16-be")
        if mark >= 0 and b"\xff\xfe" not in data
        else (_WIDE_LE, "utf-16-le")
    )

    def narrow(match: re.Match[bytes]) -> bytes:
        return match[0].decode(codec, "replace").encode()

    data, found = pattern.subn(narrow, data)
    return data.replace(b"\xff\xfe", b"").replace(b"\xfe\xff", b""), found > 0


def _is_utf_8(data: bytes) -> bool:
    """Whether a line is valid UTF-8, and not by chance."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    beyond = len(data) - len(data.translate(None, _HIGH))
    return beyond >= CHANCE_BYTES or _looks_like_utf_8(data)


def _looks_like_utf_8(data: bytes) -> bool:
    """Whether most bytes beyond ASCII are Russian in UTF-8; one of them may be broken."""
    beyond = len(data) - len(data.translate(None, _HIGH))
    return 2 * sum(map(len, _USUAL.findall(data))) >= beyond


def _foreign(line: bytes) -> Iterator[bytes]:
    """Yield the words of a line that are not UTF-8."""
    return (word for word in _TOKEN.findall(line) if not _looks_like_utf_8(word))


def _has_both(line: bytes) -> bool:
    """Whether a line that is not UTF-8 has many words that are."""
    words = [word for word in _TOKEN.findall(line) if not word.isascii()]
    return sum(map(_looks_like_utf_8, words)) >= 0.2 * max(len(words), 1)


def _mixed_line(line: bytes, encoding: str | None) -> str:
    if encoding is None:
        return line.decode("utf-8", "replace")
    if not _has_both(line):
        return line.decode(encoding, "replace")
    parts = []
    position = 0
    codec = "utf-8"  # of the word before
    for match in _TOKEN.finditer(line):
        word = match[0]
        if _looks_like_utf_8(word):
            codec = codec if word.isascii() else "utf-8"
        elif len(word.translate(None, _ASCII)) >= SURE_BYTES:  # fewer may be a broken letter
            codec = encoding
        parts.append(line[position : match.start()].decode("utf-8", "replace"))
        parts.append(word.decode(codec, "replace"))
        position = match.end()
    return "".join([*parts, line[position:].decode("utf-8", "replace")])


def _letter_classes(encoding: str) -> bytes:
    """A table for bytes.translate: lower-case letters to 1, what cannot follow them to 2."""
    lower = "абвгдежзийклмнопрстуфхцчшщъыьэюяё".encode(encoding)
    following = "»”“’…—–№\xa0°іїєґў".encode(encoding, "ignore")
    return bytes(
        1 if byte in lower else 2 if byte >= 0x80 and byte not in following else 0
        for byte in range(0x100)
    )


def _score(line: bytes, encoding: str) -> float:
    text = line[:SAMPLE_BYTES].decode(encoding, "replace")
    return russian(text) * len(text)
