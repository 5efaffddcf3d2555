"""Many texts in little memory, any part of which can be had at once."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterable

import numpy as np

PIECE = 1 << 14  # characters that are compressed together
READY = 64  # pieces kept as text


class Packed:
    """Texts one after another, compressed: Russian takes less than a byte for a character.

    A place counts characters from the start of the first text.
    """

    def __init__(self, texts: Iterable[str]):
        self._ends = array("q")  # of the texts: places
        self._pieces: list[bytes] = []
        self._rest = ""  # what does not make a piece yet
        self._ready: dict[int, str] = {}
        for text in texts:
            self._add(text)

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self._ends)

    def __getstate__(self) -> dict:
        return self.__dict__ | {"_ready": {}}

    def _add(self, text: str) -> None:
        self._ends.append(len(text) + (self._ends[-1] if self._ends else 0))
        self._rest += text
        whole = len(self._rest) // PIECE * PIECE
        for at in range(0, whole, PIECE):
            piece = self._rest[at : at + PIECE].encode("utf-8", "surrogatepass")
            self._pieces.append(zlib.compress(piece, 1))
        self._rest = self._rest[whole:]

    def documents(self, places: np.ndarray) -> np.ndarray:
        """The numbers of the texts in which places lie."""
        return np.searchsorted(np.frombuffer(self._ends, np.int64), places, "right")

    def bounds(self, document: int) -> tuple[int, int]:
        """The places where a text starts and ends."""
        return self._ends[document - 1] if document else 0, self._ends[document]

    def part(self, start: int, end: int) -> str:
        """The characters between two places."""
        first = start // PIECE
        parts = "".join(map(self._piece, range(first, (end - 1) // PIECE + 1)))
        return parts[start - first * PIECE : end - first * PIECE]

    def _piece(self, number: int) -> str:
        if number == len(self._pieces):
            return self._rest
        if number not in self._ready:
            if len(self._ready) >= READY:
                del self._ready[next(iter(self._ready))]  # the one longest here
            piece = zlib.decompress(self._pieces[number])
            self._ready[number] = piece.decode("utf-8", "surrogatepass")
        return self._ready[number]
