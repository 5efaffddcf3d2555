"""The files in a folder and in the archives in it, in a stable order, read one at a time."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from femtogpt.errors import UserError
from femtogpt.sources.compressed import (
    DAMAGE,
    OPENERS,
    Unreadable,
    Watched,
    compression,
    found_compression,
    reason,
    telling_damage,
)
from femtogpt.sources.member_names import member_name, readable, zip_name

__all__ = ["ARCHIVES", "Member", "Unreadable", "check_archive", "members", "readable"]

TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst")
ARCHIVES = (".zip", *TARS)
BUFFER = 1 << 18  # bytes
LARGEST = 1 << 30  # bytes that are read at once: more is no work but a trap, or a library


@dataclass(frozen=True)
class Member:
    """A file in a folder or an archive."""

    name: str  # its path inside, with "/"; what only compresses it (.gz) is taken off
    read: Callable[[], bytes]  # all its bytes, decompressed; Unreadable where that fails
    stream: Callable[[], BinaryIO] | None = field(default=None, repr=False)

    @property
    def path(self) -> PurePosixPath:
        """Its name, for its parts."""
        return PurePosixPath(self.name)

    @property
    def suffix(self) -> str:
        """What its name ends in, in lower case: ``.txt``."""
        return self.path.suffix.lower()

    def open(self) -> BinaryIO:
        """Its bytes, decompressed, as a stream, with bounded memory; Unreadable as for ``read``."""
        return self.stream() if self.stream else io.BytesIO(self.read())


def is_archive(name: str) -> bool:
    """Whether a file of this name is looked into."""
    return name.lower().endswith(ARCHIVES)


def members(raw: Path) -> Iterator[Member]:
    """The files below ``raw`` and in the archives there, in the order of their paths.

    A lone archive stands for its content; a damaged one is a UserError. Of several, or of those
    beside other files, the content is named as if each were a folder of its name, and a damaged
    one is a member whose ``read`` says so. So is an archive in an archive.
    """
    files = [path for path in sorted(raw.rglob("*")) if path.is_file() and not _added(path.name)]
    opened = _Opened()
    for path in files:
        name = path.relative_to(raw).as_posix()
        if not is_archive(name):
            yield _member(name, partial(path.open, "rb"))
            continue
        try:
            inside = _index(path, opened)
        except DAMAGE as error:
            if len(files) == 1:
                raise _damaged(path, error) from error
            yield Member(name, partial(_refuse, reason(error)))
            continue
        if not inside and len(files) > 1:
            yield Member(name, partial(_refuse, "it is empty"))
        yield from _named(inside, PurePosixPath(name), lone=len(files) == 1)


def check_archive(path: Path) -> None:
    """UserError unless the file is there and is an archive that can be opened."""
    if not path.is_file():
        raise UserError(f"{path}: there is no such file or folder; check the path")
    if not is_archive(path.name):
        raise UserError(f"{path} is not an archive of a known kind: give {', '.join(ARCHIVES)}")
    try:
        _open_archive(path).close()
    except DAMAGE as error:
        raise UserError(
            f"{path} is not an archive, or is cut off ({reason(error)}): get a whole copy of it"
        ) from error


def _index(path: Path, opened: _Opened) -> list[tuple[str, Callable[[], BinaryIO]]]:
    """The files in an archive, as names with functions that open them.

    Of a zip by name; of a tar in its own order, since a compressed one can only be read forwards.
    A tar is read to its end, where a compressed one has its checksum.
    """
    archive = opened(path)
    if isinstance(archive, zipfile.ZipFile):
        infos = {zip_name(info): info for info in archive.infolist() if not info.is_dir()}
        return [
            (name, lambda info=info: opened(path).open(info))
            for name, info in sorted(infos.items())
        ]
    infos = {info.name: info for info in archive if info.isfile()}  # of two versions, the last
    archive.fileobj.seek(archive.offset)
    if archive.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise EOFError
    while archive.fileobj.read(BUFFER):
        pass
    inside = sorted(infos.items(), key=lambda item: item[1].offset)
    return [(name, lambda info=info: opened(path).extractfile(info)) for name, info in inside]


def _named(
    inside: list[tuple[str, Callable[[], BinaryIO]]], archive: PurePosixPath, lone: bool
) -> Iterator[Member]:
    """The members of an archive, under their names in the source."""
    inside = [
        (member_name(name), open_member)
        for name, open_member in inside
        if not _added(PurePosixPath(name).name)
    ]
    stem = _without_suffix(archive.name)
    if len(inside) == 1 and not lone:
        ((name, open_member),) = inside
        suffix = PurePosixPath(name).suffix.lower()
        if suffix and stem.lower().endswith(suffix):  # book.fb2.zip is one book, however called
            yield _member(str(archive.with_name(stem)), open_member)
            return
    folder = archive.parent if lone else archive.with_name(stem)
    for name, open_member in inside:
        full = str(folder / name)
        if is_archive(name):
            yield Member(full, partial(_refuse, "it is an archive in an archive: unpack it"))
        else:
            yield _member(full, open_member)


def _member(name: str, open_file: Callable[[], BinaryIO]) -> Member:
    """A file, decompressed."""
    kind = compression(name)

    def opened() -> BinaryIO:
        return OPENERS[kind](open_file()) if kind else open_file()

    def read() -> bytes:
        with telling_damage(), opened() as stream:
            parts, size = [], 0
            while part := stream.read(BUFFER):
                parts.append(part)
                size += len(part)
                if size > LARGEST:
                    raise Unreadable(f"it has more than {LARGEST:,} bytes: split it")
        return b"".join(parts)

    def stream() -> BinaryIO:
        with telling_damage():
            found = opened()
        on_disk = isinstance(getattr(found, "raw", None), io.FileIO)
        return found if on_disk else io.BufferedReader(Watched(found), BUFFER)

    return Member(name.removesuffix(name[-len(kind) :]) if kind else name, read, stream)


class _Opened:
    """Opens archives and keeps the last one open: a folder may hold thousands."""

    def __init__(self) -> None:
        self.path: Path | None = None

    def __call__(self, path: Path) -> zipfile.ZipFile | tarfile.TarFile:
        if path != self.path:
            self.archive, self.path = _open_archive(path), path
        return self.archive


def _open_archive(path: Path) -> zipfile.ZipFile | tarfile.TarFile:
    if path.suffix.lower() == ".zip":
        return zipfile.ZipFile(path)
    stream = path.open("rb")
    kind = found_compression(stream)
    return tarfile.open(fileobj=OPENERS[kind](stream) if kind else stream, mode="r:")


def _refuse(why: str) -> bytes:
    raise Unreadable(why)


def _damaged(archive: Path, error: Exception) -> UserError:
    return UserError(f"{archive} cannot be read ({reason(error)}): get a whole copy of it")


def _without_suffix(archive: str) -> str:
    suffix = max((s for s in ARCHIVES if archive.lower().endswith(s)), key=len)
    return archive[: -len(suffix)] or archive


def _added(name: str) -> bool:
    """What macOS adds to folders and archives."""
    return name.startswith("._")
