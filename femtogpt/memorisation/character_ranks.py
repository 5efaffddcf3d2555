"""The characters of a corpus as numbers, and as bytes by which suffixes are sorted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ranks = npt.NDArray[np.integer]
SEPARATOR = 0  # stands before, between and after works
UNICODE = 0x110000
BYTES = 255  # values of a byte besides that of the separator
# With more characters than that, the 221 most frequent have a byte each. Any other is the byte
# MARK and four digits of base 33, whose bytes are used for nothing else.
FREQUENT, BASE, DIGITS = 221, 33, 4
MARK = FREQUENT + 1


def code_points(text: str) -> Ranks:
    """The code points of a text, which may have surrogates."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


class CharacterRanks:
    """Numbers the characters of a corpus from 1, the most frequent, on.

    ``sort_bytes`` keeps the order of sequences of numbers: a rarer character's bytes are the
    greater, and none are the beginning of another's.
    """

    def __init__(self, characters: Sequence[int]):
        """``characters`` are code points in the order of their numbers."""
        self.characters = np.array([SEPARATOR, *characters], np.uint32)
        self.unknown = len(self.characters)  # the number of any other character
        self._ranks = np.full(UNICODE, self.unknown, np.uint32)
        self._ranks[self.characters[1:]] = np.arange(1, self.unknown)

    @classmethod
    def counted(cls, counts: npt.NDArray[np.int64]) -> CharacterRanks:
        """Those with a count, by code point."""
        found = np.flatnonzero(counts)
        return cls(found[np.argsort(-counts[found], kind="stable")].tolist())

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """The smallest type that holds the numbers of known characters."""
        return np.dtype(np.min_scalar_type(self.unknown - 1)).newbyteorder("<")

    def ranks(self, text: str) -> npt.NDArray[np.uint32]:
        """The number of each character."""
        return self._ranks[code_points(text)]

    def text(self, ranks: Ranks) -> str:
        """The text of known characters' numbers."""
        points = self.characters[ranks].astype("<u4")
        return points.tobytes().decode("utf-32-le", "surrogatepass")

    @property
    def have_bytes(self) -> bool:
        """Whether a byte is enough for every character."""
        return self.unknown - 1 <= BYTES

    def sort_bytes(self, ranks: Ranks) -> npt.NDArray[np.uint8]:
        """The bytes of known characters' numbers."""
        rare = np.flatnonzero(ranks > FREQUENT) if not self.have_bytes else np.array([], np.int64)
        if not rare.size:
            return ranks.astype(np.uint8)
        sizes = np.ones(len(ranks), np.int64)
        sizes[rare] += DIGITS
        firsts = np.cumsum(sizes) - sizes
        code = np.empty(sizes.sum(), np.uint8)
        code[firsts] = np.minimum(ranks, MARK)
        for digit in range(DIGITS):
            value = ranks[rare] // BASE ** (DIGITS - 1 - digit) % BASE
            code[firsts[rare] + 1 + digit] = MARK + 1 + value
        return code
