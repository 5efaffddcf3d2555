"""The bytes of a dump in a 7z archive, as a stream of pieces.

py7zr pushes what it unpacks; a thread lets it, a few pieces ahead of who reads. Nothing is
unpacked onto the disk. Memory does not depend on the dump's length: py7zr unpacks at most 128 MB
at a time.
"""

from __future__ import annotations

import io
import lzma
import queue
import struct
import threading
from collections.abc import Iterator
from typing import BinaryIO

import py7zr
from py7zr.io import Py7zIO, WriterFactory

PIECE = 1 << 20  # bytes
_AHEAD = 2  # pieces
_HEAD = 32  # bytes
_DICTIONARY = 1 << 26  # bytes: what 7z takes at its highest usual level


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


def is_cut_off(stream: BinaryIO) -> bool:
    """Whether an archive ends before its list of files does; the stream is left at its start."""
    head = stream.read(_HEAD)
    length = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    if len(head) < _HEAD:
        return True
    offset, size = struct.unpack_from("<QQ", head, 12)  # of the list, after the head
    return _HEAD + offset + size > length


def salvaged(stream: BinaryIO) -> Iterator[bytes]:
    """What a cut-off archive still holds of its first files, in pieces; nothing if it is unknown.

    How they were packed is told at the archive's end. But LZMA2 and LZMA, as 7z takes them unless
    told otherwise, can be told by their first byte; the size of their dictionary may be less.
    Raises lzma.LZMAError where it was another way after all.
    """
    stream.seek(_HEAD)
    first = stream.read(1)
    stream.seek(_HEAD)
    if first == b"\0":
        way = {"id": lzma.FILTER_LZMA1, "dict_size": _DICTIONARY, "lc": 3, "lp": 0, "pb": 2}
    elif first == b"\1" or first >= b"\xe0":
        way = {"id": lzma.FILTER_LZMA2, "dict_size": _DICTIONARY}
    else:
        return
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[way])
    while not decompressor.eof and (packed := stream.read(PIECE)):
        yield decompressor.decompress(packed, PIECE)
        while not decompressor.eof and not decompressor.needs_input:
            yield decompressor.decompress(b"", PIECE)


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
