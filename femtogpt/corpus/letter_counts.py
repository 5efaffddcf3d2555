"""Count letters and digits (Unicode's general categories L and N) in many texts at once.

A text of millions of characters is counted as UTF-8, which is how polars holds it: making code
points of it takes four times as long. U+0400 to U+047F are all letters, and their first byte is
0xD0 or 0xD1; ASCII is as simple; the few other characters are looked up one by one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl

BLOCK = 1 << 17  # bytes looked at together, so that they stay in the processor's cache
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


class Difference(NamedTuple):
    """What became of the letters and digits of one text on the way to another."""

    taken: int  # gone without a substitute
    replaced: int  # by other letters or digits
    added: int  # new, in the place of none


@cache
def _is_letter() -> np.ndarray:
    """For each code point whether it is a letter or a digit."""
    return np.array([unicodedata.category(chr(code))[0] in "LN" for code in range(0x110000)])


class LetterSums(NamedTuple):
    """Sums over the letters and digits of each text of a series, as uint64 arrays."""

    counts: np.ndarray
    checksums: np.ndarray  # of which letters they are, whatever their order and what is between


def letter_sums(texts: pl.Series) -> LetterSums:
    """The sums of texts without nulls. Equal checksums are no proof that the counts are equal."""
    sizes = texts.str.len_bytes().to_numpy().astype(np.int64)
    counts, checksums = np.zeros(len(sizes), np.uint64), np.zeros(len(sizes), np.uint64)
    rows = np.flatnonzero(sizes)
    starts = np.cumsum(sizes)[rows] - sizes[rows]
    data = np.frombuffer(_joined(texts), np.uint8)
    others = [np.empty(0, np.int64)]
    for begin, first, letter, other in _blocks(data):
        within = np.searchsorted(starts, [begin, begin + len(first)], "right")
        here = slice(within[0] - 1, within[1])  # the texts that have a part in the block
        here_starts = np.maximum(starts[here] - begin, 0)
        here_starts = here_starts[here_starts < len(first)]
        into = rows[here][: len(here_starts)]
        counts[into] += np.add.reduceat(first, here_starts, dtype=np.uint32)
        checksums[into] += np.add.reduceat(letter, here_starts, dtype=np.uint32)
        others.append(other + begin)
    positions = np.concatenate(others)
    dashes = (data[positions] == 0xE2) & (data[positions + 1] == 0x80)  # U+2000 to U+203F: none
    positions = positions[~dashes]
    codes = _code_points(data, positions)
    letters = _is_letter()[codes]
    into = rows[np.searchsorted(starts, positions[letters], "right") - 1]
    np.add.at(counts, into, np.uint64(1))
    np.add.at(checksums, into, codes[letters].astype(np.uint64) * _FACTOR)
    return LetterSums(counts, checksums)


def _joined(texts: pl.Series) -> bytes:
    whole = texts if len(texts) == 1 else texts.str.join("")
    return whole.cast(pl.Binary).item() if len(texts) else b""


def _blocks(data: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Blocks of UTF-8: (begin, where letters begin, the letters' bytes or 0, other characters).

    Letters are those of ASCII and from U+0400 to U+047F; the others begin at the last array's
    positions in the block. The arrays hold until the next block.
    """
    one, two, three = (np.empty(BLOCK, np.uint8) for _ in range(3))
    flag, flags = np.empty(BLOCK, bool), np.empty(BLOCK, bool)
    inside = False  # whether a letter of two bytes began at the end of the block before
    for begin in range(0, len(data), BLOCK):
        block = data[begin : begin + BLOCK]
        size = len(block)
        byte, cyrillic, letter = one[:size], flag[:size], flags[:size]
        np.bitwise_or(block, 0x20, out=byte)
        np.subtract(byte, 0x61, out=byte)
        np.less(byte, 26, out=letter)
        np.subtract(block, 0x30, out=byte)
        letter |= np.less(byte, 10, out=cyrillic)
        np.bitwise_and(block, 0xFE, out=byte)
        np.equal(byte, 0xD0, out=cyrillic)
        letter |= cyrillic
        first = two[:size]
        first[:] = letter
        letter[1:] |= cyrillic[:-1]
        letter[0] |= inside
        inside = bool(cyrillic[-1])
        np.multiply(block, letter, out=three[:size])
        others = np.greater_equal(block, 0xC2, out=letter)
        others &= np.logical_not(cyrillic, out=cyrillic)
        yield begin, first, three[:size], np.flatnonzero(others)


def _code_points(data: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """The characters of two to four bytes of UTF-8 that begin at ``positions``."""
    lead = data[positions].astype(np.uint32)
    length = 2 + (lead >= 0xE0).astype(np.int64) + (lead >= 0xF0)
    codes = lead & (np.uint32(0xFF) >> (length + 1).astype(np.uint32))
    for number in range(1, 4):
        longer = length > number
        following = data[positions[longer] + number].astype(np.uint32) & 0x3F
        codes[longer] = (codes[longer] << np.uint32(6)) | following
    return codes


def count_letters(text: str) -> int:
    """The letters and digits of one text, which may have lone surrogates."""
    return int(_histogram(text).sum())


def difference(before: bytes, after: bytes) -> Difference:
    """What became of the letters and digits of a text; both are UTF-8.

    Moved letters are no difference. As many of the missing ones as there are new ones count as
    replaced.
    """
    have, want = _histogram(before.decode()), _histogram(after.decode())
    size = max(len(have), len(want))
    change = np.zeros(size, np.int64)
    change[: len(want)] += want
    change[: len(have)] -= have
    missing, extra = int(-change[change < 0].sum()), int(change[change > 0].sum())
    replaced = min(missing, extra)
    return Difference(missing - replaced, replaced, extra - replaced)


def without_common_ends(before: bytes, after: bytes) -> tuple[bytes, bytes]:
    """Two texts in UTF-8 without what they have in common at their starts and at their ends."""
    one, other = np.frombuffer(before, np.uint8), np.frombuffer(after, np.uint8)
    start = common_prefix(one, other)
    while start and start < max(len(one), len(other)) and _continues(one, other, start):
        start -= 1
    one, other = one[start:], other[start:]
    size = min(len(one), len(other))
    tail = common_prefix(one[::-1][:size], other[::-1][:size])
    while tail and (one[len(one) - tail] & 0xC0) == 0x80:
        tail -= 1
    return one[: len(one) - tail].tobytes(), other[: len(other) - tail].tobytes()


def _continues(one: np.ndarray, other: np.ndarray, position: int) -> bool:
    """Whether a byte within a character is at a position, in either text."""
    return any(len(text) > position and (text[position] & 0xC0) == 0x80 for text in (one, other))


def common_prefix(one: np.ndarray, other: np.ndarray) -> int:
    """How many elements two arrays have in common at their starts."""
    size, start, step = min(len(one), len(other)), 0, 4096
    while start < size:
        part = one[start : min(start + step, size)] != other[start : min(start + step, size)]
        if part.any():
            return start + int(part.argmax())
        start, step = start + step, 2 * step
    return size


def _histogram(text: str) -> np.ndarray:
    """How often each code point that is a letter or a digit occurs: int64."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    counts = np.bincount(codes)
    counts[~_is_letter()[: len(counts)]] = 0
    return counts
