"""The bytes of a dump, decompressed in chunks, up to the first damage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from femtogpt.sources.compressed import (
    DAMAGE,
    Unreadable,
    decompressed,
    detected_compression,
    reason,
)

MAX_CHUNK_BYTES = 1 << 20
_7Z_MAGIC_BYTES = b"7z\xbc\xaf\x27\x1c"


class DumpBytes:
    """Iterates over the decompressed bytes of a file; stops at damage and sets ``fault``.

    The compression is detected by the first bytes. A file that is cut off yields every byte that
    can be recovered.
    """

    def __init__(self, stream: BinaryIO):
        self._stream = stream
        self.fault: str | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._chunks()
        except Unreadable as error:
            self.fault = str(error)
        except DAMAGE as error:
            self.fault = reason(error)

    @property
    def position(self) -> int:
        """The byte of the compressed file up to which it was read."""
        return self._stream.tell()

    def _chunks(self) -> Iterator[bytes]:
        if self._is_7z():
            yield from self._unpacked()
            return
        stream = decompressed(self._stream, detected_compression(self._stream))
        while chunk := stream.read1(MAX_CHUNK_BYTES):  # read() would lose what precedes a cut
            yield chunk

    def _is_7z(self) -> bool:
        beginning = self._stream.read(len(_7Z_MAGIC_BYTES))
        self._stream.seek(0)
        return beginning == _7Z_MAGIC_BYTES

    def _unpacked(self) -> Iterator[bytes]:
        try:
            from femtogpt.sources.wiki import sevenzip  # here because py7zr takes long to import
        except ImportError:
            raise Unreadable(
                "py7zr, which reads .7z, is not installed: pip install 'femtogpt[7z]'"
            ) from None
        cut_off = sevenzip.is_cut_off(self._stream)
        try:
            yield from (
                sevenzip.salvaged(self._stream) if cut_off else sevenzip.unpacked(self._stream)
            )
        except Exception as error:
            self.fault = reason(error)
        if cut_off:
            self.fault = "it is cut off"
