"""Compressed files as streams, and the errors that describe damage to them."""

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
from typing import IO, Any, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def _open_zstd(stream: IO[bytes]) -> Any:
    """Open with the largest window: ``zstd --long`` is common for dumps."""
    return zstd.open(stream, options={zstd.DecompressionParameter.window_log_max: 31})


_OPENERS: dict[str, Callable[[IO[bytes]], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": _open_zstd,
}
COMPRESSED = tuple(_OPENERS)
_MAGIC_BYTES = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\0": ".xz", b"(\xb5/\xfd": ".zst"}
DAMAGE = (  # what the libraries raise for a damaged or locked file (found by changing bytes)
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, zstd.ZstdError),
    *(EOFError, OSError, RuntimeError, ValueError, OverflowError, LookupError, struct.error),
)


class Unreadable(ValueError):
    """A file cannot be read; the message says why."""


class Unsuitable(Unreadable):
    """A file is not what this kind of source reads, or the settings do not fit it.

    If no other file can be read either, this is an error.
    """


def decompressed(stream: IO[bytes], kind: str) -> io.BufferedIOBase:
    """Open a stream that is compressed in one of the kinds of ``COMPRESSED``; "" if in none."""
    return cast(io.BufferedIOBase, _OPENERS[kind](stream) if kind else stream)


def compression(name: str) -> str:
    """Return the suffix that shows how a file is compressed; empty if it is not."""
    lower = name.lower()  # not PurePosixPath.suffix: archives may have 100,000 names
    for suffix in COMPRESSED:
        if lower.endswith(suffix) and lower[: -len(suffix)].rpartition("/")[2]:
            return suffix
    return ""


def detected_compression(stream: IO[bytes]) -> str:
    """Detect how a file is compressed by its first bytes; empty if it is not. Rewinds it."""
    head = stream.read(8)
    stream.seek(0)
    return next((kind for magic, kind in _MAGIC_BYTES.items() if head.startswith(magic)), "")


def without_compression(name: str) -> str:
    """Return a file's name without the suffix of its compression."""
    return name[: len(name) - len(compression(name))]


def suffix_of(name: str) -> str:
    """Return the suffix that shows a file's format, in lower case, whatever compresses the file.

    The parts of a Wikipedia dump end in .xml-p1p224167, which counts as .xml.
    """
    suffix = PurePosixPath(without_compression(name).lower()).suffix
    return ".xml" if suffix.startswith(".xml-p") else suffix


@contextmanager
def damage_as_unreadable() -> Iterator[None]:
    """Convert what the libraries raise for damage to Unreadable with a readable reason."""
    try:
        yield
    except Unreadable:
        raise
    except DAMAGE as error:
        raise Unreadable(reason(error)) from error


def reason(error: Exception) -> str:
    """Say why a file cannot be read."""
    if isinstance(error, EOFError):
        return "it is cut off"
    if isinstance(error, RuntimeError) and "password" in str(error):
        return "it is locked with a password"
    if isinstance(error, NotImplementedError):
        return f"it cannot be read: {error}"
    if isinstance(error, OSError) and error.strerror:
        return f"it cannot be read: {error.strerror}"
    return f"it is damaged: {error or type(error).__name__}"


class DamageReportingStream(io.RawIOBase):
    """A stream that raises Unreadable for damage, whatever it is compressed with."""

    def __init__(self, stream: io.BufferedIOBase):
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._stream.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with damage_as_unreadable():
            return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: Any) -> int:
        with damage_as_unreadable():
            data = self._stream.read1(len(buffer))  # read() would lose what precedes a cut
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
