"""Compressed files as streams, and how damage to them is told."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import BinaryIO

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def _open_zstd(stream: BinaryIO) -> BinaryIO:
    """With the largest window: ``zstd --long`` is usual for dumps."""
    return zstd.open(stream, options={zstd.DecompressionParameter.window_log_max: 31})


OPENERS: dict[str, Callable[[BinaryIO], BinaryIO]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": _open_zstd,
}
COMPRESSED = tuple(OPENERS)
_BEGINNINGS = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\0": ".xz", b"(\xb5/\xfd": ".zst"}
DAMAGE = (  # what the readers raise over a damaged or locked file (found by changing bytes)
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, zstd.ZstdError),
    *(EOFError, OSError, RuntimeError, ValueError, OverflowError, struct.error),
)


class Unreadable(ValueError):
    """A file among many cannot be read; its text says why."""


def compression(name: str) -> str:
    """The ending that says how a file is compressed; empty if it is not."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix in OPENERS else ""


def found_compression(stream: BinaryIO) -> str:
    """The same, by how the bytes begin. The stream is left at its beginning."""
    head = stream.read(8)
    stream.seek(0)
    return next((kind for beginning, kind in _BEGINNINGS.items() if head.startswith(beginning)), "")


@contextmanager
def telling_damage() -> Iterator[None]:
    """Unreadable, with the reason in words, for whatever the readers raise over damage."""
    try:
        yield
    except Unreadable:
        raise
    except DAMAGE as error:
        raise Unreadable(reason(error)) from error


def reason(error: Exception) -> str:
    """Why a file cannot be read, in words."""
    if isinstance(error, EOFError):
        return "it is cut off"
    if isinstance(error, RuntimeError) and "password" in str(error):
        return "it is locked with a password"
    if isinstance(error, NotImplementedError):
        return f"it cannot be read: {error}"
    if isinstance(error, OSError) and error.strerror:
        return f"it cannot be read: {error.strerror}"
    return f"it is damaged: {error or type(error).__name__}"


class Watched(io.RawIOBase):
    """A stream that raises Unreadable over damage, whatever it is compressed with."""

    def __init__(self, stream: BinaryIO):
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._stream.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with telling_damage():
            return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: memoryview) -> int:
        with telling_damage():
            data = self._stream.read1(len(buffer))  # read() would lose what precedes a cut
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
