"""The files in a folder or an archive, in a stable order, read one at a time."""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from femtogpt.errors import UserError
from femtogpt.sources.encodings import strict

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_DAMAGE = (  # what zipfile and tarfile raise over a damaged or locked archive
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    UnicodeDecodeError,
)


class Unreadable(ValueError):
    """A file among many cannot be read; its text says why."""


@dataclass(frozen=True)
class Member:
    """A file in a folder or an archive."""

    name: str  # its path inside, with "/"; what only compresses it (.gz) is taken off
    read: Callable[[], bytes]  # all its bytes, decompressed; Unreadable where that fails

    def open(self) -> BinaryIO:
        """Its bytes, decompressed, as a stream."""
        return io.BytesIO(self.read())


def members(raw: Path) -> Iterator[Member]:
    """The files below ``raw``, or in the archive in it, sorted by name.

    Raises UserError for a damaged archive.
    """
    archives = [path for path in sorted(raw.iterdir()) if path.name.lower().endswith(ARCHIVES)]
    if archives:
        files = _members(archives[0])
    else:
        files = {
            path.relative_to(raw).as_posix(): path.read_bytes
            for path in sorted(raw.rglob("*"))
            if path.is_file()
        }
    for name, read in files.items():
        yield Member(name, read)


def check_archive(path: Path) -> None:
    """UserError unless the file is there and is an archive that can be read."""
    if not path.is_file():
        raise UserError(f"{path}: there is no such file or folder; check the path")
    if not path.name.lower().endswith(ARCHIVES):
        raise UserError(f"{path} is not an archive of a known kind: give {', '.join(ARCHIVES)}")
    if not (
        zipfile.is_zipfile(path) if path.suffix.lower() == ".zip" else tarfile.is_tarfile(path)
    ):
        raise UserError(f"{path} is not an archive, or is cut off: get a whole copy of it")


def _members(archive: Path) -> dict[str, Callable[[], bytes]]:
    """The files in an archive: path to a function that reads it; in sorted order."""
    check_archive(archive)
    try:
        if archive.suffix.lower() == ".zip":
            zipped = zipfile.ZipFile(archive)
            members = {
                _name(info): lambda info=info: zipped.read(info)
                for info in zipped.infolist()
                if not info.is_dir()
            }
        else:
            tar = tarfile.open(archive)  # noqa: SIM115  its members are read later
            members = {
                readable(info.name): lambda info=info: tar.extractfile(info).read()
                for info in tar
                if info.isfile()
            }
            while tar.fileobj.read(1 << 20):  # to the end, where a compressed one has its checksum
                pass
    except _DAMAGE as error:
        raise _damaged(archive, error) from error
    return {
        name: _guarded(archive, read)
        for name, read in sorted(members.items())
        if not PurePosixPath(name).name.startswith("._")  # what macOS adds
    }


def _guarded(archive: Path, read: Callable[[], bytes]) -> Callable[[], bytes]:
    def guarded() -> bytes:
        try:
            return read()
        except _DAMAGE as error:
            raise _damaged(archive, error) from error

    return guarded


def _damaged(archive: Path, error: Exception) -> UserError:
    return UserError(f"{archive} cannot be read ({error}): get a whole copy of it")


def _name(info: zipfile.ZipInfo) -> str:
    """A member's path; archives of Russian Windows name files in cp866 without saying so."""
    if info.flag_bits & 0x800:
        return info.filename
    return _russian(info.filename.encode("cp437")) or info.filename


def readable(name: str) -> str:
    """A name in another encoding than this machine's, as text that can be written."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return _russian(name.encode(errors="surrogateescape")) or ascii(name)
    return name


def _russian(name: bytes) -> str | None:
    return strict(name, "utf-8") or strict(name, "cp866")
