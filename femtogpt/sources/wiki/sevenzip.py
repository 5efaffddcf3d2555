"""The bytes of a dump in a 7z archive, as a stream of pieces.

py7zr pushes what it unpacks; a thread lets it, a few pieces ahead of who reads. Nothing is
unpacked onto the disk. Memory does not depend on the dump's length: py7zr unpacks at most 128 MB
at a time.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import BinaryIO

import py7zr
from py7zr.io import Py7zIO, WriterFactory

PIECE = 1 << 20  # bytes
_AHEAD = 2  # pieces


class _Abandoned(Exception):
    """Nobody reads any more."""


class _Pipe(WriterFactory, Py7zIO):
    """Takes what py7zr writes, of whatever file, and hands it to another thread."""

    def __init__(self) -> None:
        self.pieces: queue.Queue[bytes | Exception | None] = queue.Queue(_AHEAD)
        self.abandoned = threading.Event()

    def create(self, filename: str) -> Py7zIO:
        return self

    def put(self, piece: bytes | Exception | None) -> None:
        while not self.abandoned.is_set():
            try:
                return self.pieces.put(piece, timeout=0.1)
            except queue.Full:
                continue
        raise _Abandoned

    def write(self, s: bytes | bytearray) -> int:
        for start in range(0, len(s), PIECE):
            self.put(bytes(s[start : start + PIECE]))
        return len(s)

    def read(self, size: int | None = None) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def flush(self) -> None:
        pass

    def size(self) -> int:
        return 0


def unpacked(stream: BinaryIO) -> Iterator[bytes]:
    """The content of the .xml files in an archive, one after another, in pieces.

    Raises what py7zr raises over damage, after the pieces that came before it.
    """
    pipe = _Pipe()
    thread = threading.Thread(target=_unpack, args=(stream, pipe), daemon=True)
    thread.start()
    try:
        while (piece := pipe.pieces.get()) is not None:
            if isinstance(piece, Exception):
                raise piece
            yield piece
    finally:
        pipe.abandoned.set()
        thread.join()


def _unpack(stream: BinaryIO, pipe: _Pipe) -> None:
    last = None
    try:
        with py7zr.SevenZipFile(stream) as archive:
            names = archive.getnames()
            targets = [name for name in names if name.lower().endswith(".xml")] or names
            archive.extract(targets=targets, factory=pipe)
    except _Abandoned:
        return
    except Exception as error:  # over damage py7zr and its decoders raise many kinds
        last = error
    try:
        pipe.put(last)
    except _Abandoned:
        return
