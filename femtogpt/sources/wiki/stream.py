"""The bytes of a dump, decompressed piece by piece, up to where the file is whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from femtogpt.sources.compressed import DAMAGE, OPENERS, Unreadable, found_compression, reason

PIECE = 1 << 20  # bytes at most
_7Z = b"7z\xbc\xaf\x27\x1c"  # how such an archive begins


class Pieces:
    """Iterates over the decompressed bytes of a file; ends at damage and says why in ``fault``.

    What a file is compressed with is told by how it begins. Of one that is cut off, every byte
    comes that can be had.
    """

    def __init__(self, stream: BinaryIO):
        self._stream = stream
        self.fault: str | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._pieces()
        except Unreadable as error:
            self.fault = str(error)
        except DAMAGE as error:
            self.fault = reason(error)

    @property
    def position(self) -> int:
        """The byte of the file, as it is on the disk, up to which it was read."""
        return self._stream.tell()

    def _pieces(self) -> Iterator[bytes]:
        if self._is_7z():
            yield from self._unpacked()
            return
        kind = found_compression(self._stream)
        opened = OPENERS[kind](self._stream) if kind else self._stream
        while piece := opened.read1(PIECE):  # read() would lose what precedes a cut
            yield piece

    def _is_7z(self) -> bool:
        beginning = self._stream.read(len(_7Z))
        self._stream.seek(0)
        return beginning == _7Z

    def _unpacked(self) -> Iterator[bytes]:
        from femtogpt.sources.wiki import sevenzip  # py7zr takes long to import

        cut = sevenzip.is_cut_off(self._stream)
        try:
            yield from sevenzip.salvaged(self._stream) if cut else sevenzip.unpacked(self._stream)
        except Exception as error:
            self.fault = reason(error)
        if cut:
            self.fault = "it is cut off"
