"""Text from bytes: UTF-8, UTF-16, UTF-32 and the Russian 8-bit encodings."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

ENCODINGS = ["cp1251", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic", "cp855"]
MARKS = (  # byte order marks; UTF-32's begins as UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(data: bytes) -> str | None:
    """Text from bytes in UTF-8, UTF-16 with its mark or a Russian 8-bit encoding; None if none."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return strict(data, encoding)
    text = strict(data, "utf-8-sig")
    if text is not None:
        return text if _is_text(text) else None
    if data.count(0) > len(data) / 100:
        return None
    best = from_bytes(data, cp_isolation=ENCODINGS).best()
    text = strict(data, best.encoding) if best else None
    return text if text is not None and _is_text(text) else None


def strict(data: bytes, encoding: str) -> str | None:
    """The text, or None where a byte does not fit."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_text(text: str) -> bool:
    """Random bytes decode to something in every 8-bit encoding: control characters tell."""
    controls = len(re.findall(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]", text))
    return controls <= len(text) / 100
