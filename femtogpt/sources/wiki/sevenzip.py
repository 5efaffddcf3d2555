"""Streams the bytes of a dump out of a 7z archive.

py7zr pushes what it decompresses into a writer; here that runs in a thread, a few pieces ahead of
the reader. Nothing is written to disk. Memory does not depend on the dump's size: py7zr
decompresses at most 128 MB at a time.
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

PIECE_BYTES = 1 << 20
_PIECES_AHEAD = 2
_HEADER_BYTES = 32
_DICTIONARY_BYTES = 1 << 26  # of 7z at its highest usual level


class _Abandoned(Exception):
    """The reader has stopped reading."""


class _Pipe(WriterFactory, Py7zIO):
    """Passes what py7zr writes, whatever the file, on to another thread."""

    def __init__(self) -> None:
        self.pieces: queue.Queue[bytes | Exception | None] = queue.Queue(_PIECES_AHEAD)
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
        for start in range(0, len(s), PIECE_BYTES):
            self.put(bytes(s[start : start + PIECE_BYTES]))
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
    """Whether an archive ends before its list of files does; rewinds the stream."""
    header = stream.read(_HEADER_BYTES)
    length = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    if len(header) < _HEADER_BYTES:
        return True
    offset, size = struct.unpack_from("<QQ", header, 12)  # of the list, counted from the header
    return _HEADER_BYTES + offset + size > length


def salvaged(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the first files of a cut-off archive in pieces; nothing if the method is unknown.

    The compression method is recorded at the archive's end, which is missing. But 7z's defaults,
    LZMA2 and LZMA, are recognized by their first byte, and a dictionary larger than theirs does
    no harm. Raises lzma.LZMAError if it was another method after all.
    """
    stream.seek(_HEADER_BYTES)
    first = stream.read(1)
    stream.seek(_HEADER_BYTES)
    method: dict[str, int]
    if first == b"\0":
        method = {
            "id": lzma.FILTER_LZMA1,
            "dict_size": _DICTIONARY_BYTES,
            "lc": 3,
            "lp": 0,
            "pb": 2,
        }
    elif first == b"\1" or first >= b"\xe0":
        method = {"id": lzma.FILTER_LZMA2, "dict_size": _DICTIONARY_BYTES}
    else:
        return
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[method])
    while not decompressor.eof and (packed := stream.read(PIECE_BYTES)):
        yield decompressor.decompress(packed, PIECE_BYTES)
        while not decompressor.eof and not decompressor.needs_input:
            yield decompressor.decompress(b"", PIECE_BYTES)


def unpacked(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the content of the .xml files in an archive, one after another, in pieces.

    If the archive is damaged, raises py7zr's error after the pieces before the damage.
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
    end: Exception | None = None
    try:
        with py7zr.SevenZipFile(stream) as archive:
            names = archive.getnames()
            targets = [name for name in names if name.lower().endswith(".xml")] or names
            archive.extract(targets=targets, factory=pipe)
    except _Abandoned:
        return
    except Exception as error:  # py7zr and its decoders raise many kinds on damage
        end = error
    try:
        pipe.put(end)
    except _Abandoned:
        return
