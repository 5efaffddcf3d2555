"""Many texts compressed in memory, with access to any part of them."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np

PIECE = 1 << 14  # characters that are compressed together
CACHED_PIECES = 64  # pieces kept uncompressed


class PackedTexts:
    """Texts one after another, compressed: a Russian character takes less than a byte.

    Positions count characters from the start of the first text.
    """

    def __init__(self, texts: Iterable[str]):
        self._ends = array("q")  # the position after each text
        self._pieces: list[bytes] = []
        self._rest = ""  # the end of the last text, not yet a whole piece
        self._cache: dict[int, str] = {}
        for text in texts:
            self._add(text)

    def __len__(self) -> int:
        """The number of texts."""
        return len(self._ends)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_cache": {}}

    def _add(self, text: str) -> None:
        self._ends.append(len(text) + (self._ends[-1] if self._ends else 0))
        self._rest += text
        full = len(self._rest) // PIECE * PIECE
        for start in range(0, full, PIECE):
            piece = self._rest[start : start + PIECE].encode("utf-8", "surrogatepass")
            self._pieces.append(zlib.compress(piece, 1))
        self._rest = self._rest[full:]

    def documents(self, positions: np.ndarray) -> np.ndarray:
        """The number of the text that contains each position."""
        return np.searchsorted(np.frombuffer(self._ends, np.int64), positions, "right")

    def bounds(self, document: int) -> tuple[int, int]:
        """The positions at which a text starts and ends."""
        return self._ends[document - 1] if document else 0, self._ends[document]

    def part(self, start: int, end: int) -> str:
        """The characters between two positions."""
        first = start // PIECE
        parts = "".join(map(self._piece, range(first, (end - 1) // PIECE + 1)))
        return parts[start - first * PIECE : end - first * PIECE]

    def _piece(self, number: int) -> str:
        if number == len(self._pieces):
            return self._rest
        if number not in self._cache:
            if len(self._cache) >= CACHED_PIECES:
                del self._cache[next(iter(self._cache))]  # the oldest
            piece = zlib.decompress(self._pieces[number])
            self._cache[number] = piece.decode("utf-8", "surrogatepass")
        return self._cache[number]
