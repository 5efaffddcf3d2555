"""Decodes bytes: UTF-8, UTF-16, UTF-32 and the Russian 8-bit encodings.

UTF-8 and byte order marks are recognized by themselves. Among the 8-bit encodings the one wins in
which the words are most Russian by their letter pairs. A declared encoding is ignored: often it is
that of an earlier copy.

General detectors are wrong more often, even if they choose among the same six encodings: see
CONTRIBUTING for the comparison.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from itertools import islice

from femtogpt.sources.russian import russian

ENCODINGS = ("cp1251", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic", "cp855")  # commonest first
BYTE_ORDER_MARKS = (  # UTF-32's first, since it begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WIDE = ("utf-16", "utf-32")
UNMARKED = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
MAX_SCORED_WORDS = 500  # from which an 8-bit encoding is detected
MIN_SCORE = 1.0  # of russian(), for a text to count as Russian
CONTROL_BYTES = bytes([*range(0x09), *range(0x0E, 0x20), 0x7F])
HIGH_BYTES = bytes(range(0x80, 0x100))
MAX_CHECKED_BYTES = 1 << 14  # of a UTF-16 or UTF-32 text
_WORD = re.compile(rb"[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")
_RULER = re.compile(rb"([\x80-\xff])\1{3,}")  # such as the lines of a drawn table
_USUAL_CHARACTER = re.compile("[\t-\r -~\xa0-\xffЀ-ӿ‐-⁄]")


def decode(data: bytes) -> str | None:
    """Decode bytes in any encoding that Russian texts come in; None if they are not text.

    A byte order mark is removed. If a few bytes are broken, U+FFFD replaces them.
    """
    if not _is_binary(data) and (text := strict(data, "utf-8-sig")) is not None:
        return text
    encoding = encoding_of(data)
    if encoding is None:
        return None
    if encoding.startswith(WIDE):  # a missing or extra byte would garble all text after it
        return strict(data, encoding)
    return data.decode(encoding, "replace")


def encoding_of(data: bytes) -> str | None:
    """Detect the codec of these bytes, which may be cut off; None if they are not text."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return encoding if _is_assigned(_decoded_start(data, encoding)) else None
    if data.count(0) > len(data) / 100:
        for encoding in UNMARKED:
            if _is_usual(_decoded_start(data, encoding)):
                return encoding
    if _is_binary(data):
        return None
    return "utf-8-sig" if _is_utf_8(data) else _russian_encoding(data)


def strict(data: bytes, encoding: str) -> str | None:
    """Decode strictly; None if a byte is invalid."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_binary(data: bytes) -> bool:
    """Whether more than one byte in a hundred is a control character."""
    return len(data) - len(data.translate(None, CONTROL_BYTES)) > len(data) / 100


def _is_utf_8(data: bytes) -> bool:
    """Whether it is UTF-8, with at most one in a hundred non-ASCII characters broken."""
    text = data.decode("utf-8", "replace")
    return text.count("\ufffd") * 100 <= len(text) - len(data.translate(None, HIGH_BYTES))


def _russian_encoding(data: bytes) -> str | None:
    """Choose the 8-bit encoding in which the words are most Russian; None if they never are."""
    words = b" ".join(match.group() for match in islice(_WORD.finditer(data), MAX_SCORED_WORDS))
    words = _RULER.sub(rb"\1", words)
    scores = {name: russian(words.decode(name, "replace")) for name in ENCODINGS}
    best = max(scores, key=scores.__getitem__)
    return best if scores[best] > MIN_SCORE else None


def _decoded_start(data: bytes, encoding: str) -> str:
    """Decode the beginning of a text; empty if a byte is invalid."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data[:MAX_CHECKED_BYTES])
    except UnicodeDecodeError:
        return ""


def _is_usual(text: str) -> bool:
    """Whether most characters are common ones, which a wrong encoding would hardly produce."""
    return bool(text) and len(_USUAL_CHARACTER.findall(text)) > 0.7 * len(text)


def _is_assigned(text: str) -> bool:
    """Whether nearly all characters are assigned and no control characters."""
    odd = sum(unicodedata.category(char) in {"Cc", "Cn", "Co", "Cs"} for char in text)
    breaks = sum(map(text.count, "\t\n\r"))
    return bool(text) and odd - breaks <= len(text) / 100
