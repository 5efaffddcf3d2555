"""Count letters and digits (Unicode's general categories L and N) in many texts at once.

A text of millions of characters is counted as UTF-8, which is how polars holds it: making code
points of it takes four times as long. U+0400 to U+047F are all letters, and their first byte is
0xD0 or 0xD1; ASCII is as simple; the few other characters are looked up one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl

from femtogpt.corpus.utf8 import joined

BLOCK = 1 << 18  # bytes looked at together, so that they stay in the processor's cache
LONG_WORD = 100  # bytes: a longer one may be cut
FEW = 64  # texts in a block whose letters are counted faster one by one
SHORT = 2000  # characters: a shorter text is counted faster without numpy
_RUN = re.compile(r"[^\W_]+")  # letters and digits: the same characters as those of L and N
# A checksum is the sum of these numbers, each times what it counts, modulo 2⁶⁴: the letters; their
# bytes, and the squares of these modulo 256; the code points of letters of more than two bytes.
_LETTERS, _BYTES, _SQUARES, _OTHERS = (
    *(np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)),
    *(np.uint64(0x165667B19E3779F9), np.uint64(0x27D4EB2F165667C5)),
)


class Difference(NamedTuple):
    """What became of the letters and digits of one text on the way to another."""

    taken: int  # gone without a substitute
    replaced: int  # by other letters or digits
    added: int  # new, in the place of none


@cache
def _is_letter() -> np.ndarray:
    """For each code point whether it is a letter or a digit."""
    codes = np.arange(0x110000, dtype=np.uint32)
    every = codes.tobytes().decode("utf-32-le", "surrogatepass")
    table = np.zeros(len(codes), bool)
    for run in _RUN.finditer(every):  # ten times as fast as asking for each category
        table[run.start() : run.end()] = True
    return table


def letter_counts(texts: pl.Series) -> np.ndarray:
    """How many letters and digits each text has, as int64; no text is null."""
    buffer = _Buffer(texts)
    counts = np.zeros(len(texts), np.int64)
    for block in buffer.blocks():
        buffer.add(counts, block.letters)
    np.add.at(counts, buffer.other_letters()[0], 1)
    return counts


def checksums(texts: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """``letter_counts``, and for each text a number that changes if its letters and digits do.

    The number, a uint64, does not depend on their order. That of two texts one after the other is
    the sum of theirs, modulo 2⁶⁴.
    """
    buffer = _Buffer(texts)
    counts = np.zeros(len(texts), np.int64)
    sums, squares = np.zeros(len(texts), np.uint64), np.zeros(len(texts), np.uint64)
    inside = False  # whether a letter of two bytes began at the end of the block before
    for block in buffer.blocks():
        buffer.add(counts, block.letters)
        letters, one = block.letters, block.scratch
        letters[1:] |= block.cyrillic[:-1]
        letters[0] |= inside
        inside = bool(block.cyrillic[-1])
        np.negative(letters.view(np.uint8), out=one)  # all bits, or none
        buffer.add(sums, np.bitwise_and(block.data, one, out=one))
        buffer.add(squares, np.multiply(one, one, out=one))
    rows, codes = buffer.other_letters()
    others = np.zeros(len(texts), np.uint64)
    np.add.at(counts, rows, 1)
    np.add.at(others, rows, codes.astype(np.uint64))
    letters = counts.astype(np.uint64)
    return counts, letters * _LETTERS + sums * _BYTES + squares * _SQUARES + others * _OTHERS


class _Block(NamedTuple):
    """A part of the bytes of texts; the arrays but ``data`` are those of the next block too."""

    data: np.ndarray
    letters: np.ndarray  # where letters and digits begin, without the other characters
    cyrillic: np.ndarray  # where letters from U+0400 to U+047F begin
    scratch: np.ndarray  # of bytes


class _Buffer:
    """Texts as UTF-8, one after another."""

    def __init__(self, texts: pl.Series):
        self._data, starts = joined(texts)
        self._rows = np.flatnonzero(np.diff(starts))  # those with a text, and where it starts
        self._starts = starts[self._rows]
        self._others = [np.empty(0, np.int64)]
        self._here, self._here_starts = self._rows[:0], self._starts[:0]

    def blocks(self) -> Iterator[_Block]:
        """All bytes in order. Notes where the other characters beyond ASCII are."""
        size = min(BLOCK, len(self._data))
        arrays = [np.empty(size, dtype) for dtype in (np.uint8, bool, bool, bool)]
        for begin in range(0, len(self._data), BLOCK):
            data = self._data[begin : begin + BLOCK]
            byte, cyrillic, letters, found = (array[: len(data)] for array in arrays)
            np.equal(np.bitwise_and(data, 0xFE, out=byte), 0xD0, out=cyrillic)
            np.greater_equal(data, 0xC2, out=found)
            found ^= cyrillic
            self._others.append(np.flatnonzero(found) + begin)
            np.subtract(np.bitwise_or(data, 0x20, out=byte), 0x61, out=byte)
            np.less(byte, 26, out=letters)  # of ASCII
            letters |= np.less(np.subtract(data, 0x30, out=byte), 10, out=found)
            letters |= cyrillic
            self._enter(begin, begin + len(data))
            yield _Block(data, letters, cyrillic, byte)

    def _enter(self, begin: int, end: int) -> None:
        """Note which texts have a part in a block, and where in it that starts."""
        first, last = np.searchsorted(self._starts, [begin, end - 1], "right")
        self._here = self._rows[first - 1 : last]
        self._here_starts = np.maximum(self._starts[first - 1 : last] - begin, 0)

    def add(self, sums: np.ndarray, values: np.ndarray) -> None:
        """Add the block's values, truth values or bytes, to the sums of the texts in it."""
        if values.dtype == bool and len(self._here) <= FEW:
            ends = [*self._here_starts[1:].tolist(), len(values)]
            for row, start, end in zip(self._here, self._here_starts.tolist(), ends, strict=True):
                sums[row] += np.count_nonzero(values[start:end])
            return
        parts = np.add.reduceat(values, self._here_starts, dtype=np.uint32)
        sums[self._here] += parts.astype(sums.dtype)

    def other_letters(self) -> tuple[np.ndarray, np.ndarray]:
        """The letters among the other characters: the row of their text, and their code points."""
        places = np.concatenate(self._others)
        dash = (self._data[places] == 0xE2) & (self._data[places + 1] == 0x80)
        places = places[~dash]  # U+2000 to U+203F: no letters, and most of these characters
        codes = _code_points(self._data, places)
        letters = _is_letter()[codes]
        rows = self._rows[np.searchsorted(self._starts, places[letters], "right") - 1]
        return rows, codes[letters]


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
    if len(text) < SHORT:
        return sum(map(len, _RUN.findall(text)))
    return int(_histogram(text).sum())


def difference(before: bytes, after: bytes) -> tuple[Difference, int]:
    """What became of the letters and digits of a text, and of its checksum; both are UTF-8.

    Moved letters are no difference. As many of the missing ones as there are new ones count as
    replaced.
    """
    have, want = _histogram(before.decode()), _histogram(after.decode())
    size = max(len(have), len(want))
    change = np.zeros(size, np.int64)
    change[: len(want)] += want
    change[: len(have)] -= have
    codes = np.flatnonzero(change)
    change = change[codes]
    missing, extra = int(-change[change < 0].sum()), int(change[change > 0].sum())
    replaced = min(missing, extra)
    return Difference(missing - replaced, replaced, extra - replaced), _checksum(codes, change)


def _checksum(codes: np.ndarray, times: np.ndarray) -> int:
    """The checksum of letters that occur so many times, which may be negative."""
    cyrillic, ascii = codes >> 7 == 0x400 >> 7, codes < 0x80
    first = np.where(cyrillic, 0xD0 | (codes >> 6 & 1), codes * ascii)  # the bytes
    second = (0x80 | codes & 0x3F) * cyrillic
    others = codes * ~(cyrillic | ascii)
    squares = (first**2 & 0xFF) + (second**2 & 0xFF)
    counted = ((1, _LETTERS), (first + second, _BYTES), (squares, _SQUARES), (others, _OTHERS))
    return sum(int((times * each).sum()) * int(factor) for each, factor in counted) % 2**64


def without_common_ends(before: bytes, after: bytes) -> tuple[bytes, bytes]:
    """Two texts in UTF-8 without the words that they have in common at their starts and ends."""
    one, other = np.frombuffer(before, np.uint8), np.frombuffer(after, np.uint8)
    start = common_prefix(one, other)
    if start < max(len(one), len(other)):
        start = _word_start(before, start)
    size = min(len(one), len(other)) - start
    tail = common_prefix(one[::-1][:size], other[::-1][:size])
    if tail < max(len(one), len(other)) - start:
        tail = len(one) - _word_end(before, len(one) - tail)
    return before[start : len(before) - tail], after[start : len(after) - tail]


def _word_start(text: bytes, position: int) -> int:
    """The start of the word, or else of the character, at or before a position."""
    line = max(
        text.rfind(gap, position - LONG_WORD if position > LONG_WORD else 0, position)
        for gap in (b" ", b"\n")
    )
    if line >= 0 or position <= LONG_WORD:
        return line + 1
    while position and (text[position : position + 1] or text[-1:])[0] & 0xC0 == 0x80:
        position -= 1
    return position


def _word_end(text: bytes, position: int) -> int:
    """The end of the word, or else of the character, at or after a position."""
    found = [text.find(gap, position, position + LONG_WORD) for gap in (b" ", b"\n")]
    if ends := [end for end in found if end >= 0]:
        return min(ends)
    if position + LONG_WORD >= len(text):
        return len(text)
    while text[position] & 0xC0 == 0x80:
        position += 1
    return position


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
