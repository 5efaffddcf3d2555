"""The files in a folder and in its archives, in a stable order, read one at a time."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections import Counter, deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, NoReturn, cast

from femtogpt.errors import UserError
from femtogpt.sources.compressed import (
    DAMAGE,
    DamageReportingStream,
    Unreadable,
    compression,
    damage_as_unreadable,
    decompressed,
    detected_compression,
    reason,
    suffix_of,
    without_compression,
)
from femtogpt.sources.member_names import (
    given_path,
    member_name,
    name_in_header,
    readable,
    zip_names,
    zipped_files,
)

__all__ = ["ARCHIVES", "Member", "Unreadable", "check_archive", "is_archive", "members"]

TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst")
ARCHIVES = (".zip", *TARS)
BUFFER_BYTES = 1 << 18
MAX_BYTES = 1 << 30  # read at once: a larger file is no single work but a bomb or a collection
OpenFile = Callable[[], IO[bytes]]


class Member:
    """A file in a folder or an archive; it is small, as there may be 100,000.

    ``name`` is its path inside, with "/", without the suffix of a compression (.gz). ``open_file``
    opens its bytes, and ``kind`` is their compression, as ``compression`` tells it.
    ``is_replaced``: a later file of the archive has its name, and is read in its place.
    """

    __slots__ = ("_kind", "_letters", "_mended", "_open_file", "is_replaced", "name")

    def __init__(self, name: str, open_file: OpenFile, kind: str = "", is_replaced: bool = False):
        self.name, self.is_replaced = name, is_replaced
        self._open_file, self._kind = open_file, kind
        self._mended: list[str] | None = None
        self._letters: Counter[str] | None = None

    def __repr__(self) -> str:
        return f"Member({self.name!r})"

    @property
    def is_mended(self) -> bool:
        """Whether something in it was mended or left out."""
        return bool(self._mended)

    @property
    def mended(self) -> list[str]:
        """What its format mended in it or left out of it, and adds here; the reader tells it.

        Each is a kind in words, repeated if it occurs again.
        """
        if self._mended is None:
            self._mended = []
        return self._mended

    @property
    def letters(self) -> Counter[str]:
        """How many letters and digits went with what was left out, by its kind in ``mended``."""
        if self._letters is None:
            self._letters = Counter()
        return self._letters

    def leave_out(self, kind: str, text: str, kept: str = "") -> None:
        """Note that a text of the file, but for ``kept``, is left out; ``kind`` says what it is."""
        self.mended.append(kind)
        self.letters[kind] += letters_in(text) - letters_in(kept)

    def open(self) -> BinaryIO:
        """Open its decompressed bytes as a stream. Raises Unreadable."""
        with damage_as_unreadable():
            opened = decompressed(self._open_file(), self._kind)
        if isinstance(getattr(opened, "raw", None), io.FileIO | DamageReportingStream):
            return cast(BinaryIO, opened)
        return io.BufferedReader(DamageReportingStream(opened), BUFFER_BYTES)

    @property
    def path(self) -> PurePosixPath:
        """The name as a path."""
        return PurePosixPath(self.name)

    @property
    def suffix(self) -> str:
        """The suffix that shows its format, in lower case: ``.txt``."""
        return suffix_of(self.name)

    def read(self) -> bytes:
        """Return all its decompressed bytes. Raises Unreadable."""
        parts, size = [], 0
        with damage_as_unreadable(), self.open() as stream:
            while part := stream.read(BUFFER_BYTES):
                parts.append(part)
                size += len(part)
                if size > MAX_BYTES:
                    raise Unreadable(f"it has more than {MAX_BYTES:,} bytes: split it")
        return b"".join(parts)


def letters_in(text: str) -> int:
    """Count the letters and digits of a text."""
    return sum(map(str.isalnum, text))


def is_archive(name: str) -> bool:
    """Whether a file of this name is an archive whose content is read."""
    return name.lower().endswith(ARCHIVES)


def members(raw: Path, as_stored: bool = False) -> Iterator[Member]:
    """Yield the files below ``raw`` and in the archives there, in the order of their paths.

    If the only file is an archive, its content takes its place; a damaged one raises UserError.
    Otherwise the content of each archive is named as if the archive were a folder, and a damaged
    archive is a member that raises Unreadable when opened. So is an archive in an archive.

    ``as_stored``: files outside of archives come first, keep their compression, and its suffix in
    their names.
    """
    files = [path for path in sorted(raw.rglob("*")) if path.is_file() and not _added(path.name)]
    if as_stored:
        files.sort(key=lambda path: is_archive(path.name))
    open_archives = _LastArchive()
    for path in files:
        name = given_path(path.relative_to(raw).as_posix())
        if not is_archive(name):
            open_file = partial(_open, path)
            yield Member(name, open_file) if as_stored else _member(name, open_file)
            continue
        try:
            inside = _index(path, open_archives)
        except DAMAGE as error:
            if len(files) == 1:
                raise UserError(
                    f"{path} cannot be read ({reason(error)}): get a whole copy of it"
                ) from error
            yield Member(name, partial(_refuse, reason(error)))
            continue
        if not inside and len(files) > 1:
            yield Member(name, partial(_refuse, "it is empty"))
        own = deque(entry for entry in inside if not _added(PurePosixPath(entry[0]).name))
        del inside  # an entry is given up as its member is made
        yield from _named(own, PurePosixPath(name), lone=len(files) == 1)


def check_archive(path: Path) -> None:
    """Raise UserError unless the file exists and is an archive that can be opened."""
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


def _index(path: Path, archives: _LastArchive) -> list[tuple[str, OpenFile]]:
    """List the files in an archive: names, with functions that open them.

    They are in the order of their names in a zip, and in the archive's order in a tar, since a
    compressed tar can only be read forwards. A tar is read to its end, where a compressed one has
    its checksum. Of several files of one name the last is read, and the others, like links and
    devices in a tar, come after all that is read and refuse to be opened.
    """
    archive = archives(path)
    if isinstance(archive, zipfile.ZipFile):
        infos = zipped_files(archive)
        names = zip_names(archive, infos)
        zipped = dict(zip(names, infos, strict=True))
        return [
            *(
                (name, partial(_open_in_zip, archives, path, zipped[name]))
                for name in sorted(zipped)
            ),
            *_replaced(names, len(zipped)),
        ]
    names, offsets, others = [], {}, []
    while info := archive.next():
        cast(Any, archive).members.clear()  # each takes more than what is kept of it here
        if info.isfile():
            names.append(info.name)
            offsets[info.name] = info.offset
        elif not info.isdir():
            others.append((info.name, partial(_refuse, _no_file(info))))
    stream = cast(IO[bytes], archive.fileobj)
    stream.seek(archive.offset)
    if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise EOFError
    while stream.read(BUFFER_BYTES):
        pass
    return [
        *(
            (name, partial(_open_in_tar, archives, path, offsets[name]))
            for name in sorted(offsets, key=offsets.__getitem__)
        ),
        *_replaced(names, len(offsets)),
        *others,
    ]


def _replaced(names: list[str], distinct: int) -> Iterator[tuple[str, OpenFile]]:
    """Yield the files of an archive in whose place a later one of the same name is read."""
    if len(names) == distinct:
        return
    for name, count in Counter(names).items():
        for _ in range(count - 1):
            yield name, _REPLACED


def _no_file(info: tarfile.TarInfo) -> str:
    """Say what an entry is that has no bytes of its own."""
    if info.issym() or info.islnk():
        return f"it is a link to {readable(info.linkname)}: put the file itself into the archive"
    return "it is a device or a pipe: remove it"


def _open_in_zip(archives: _LastArchive, path: Path, info: zipfile.ZipInfo) -> IO[bytes]:
    archive = cast(zipfile.ZipFile, archives(path))
    # zipfile refuses a member with another name there than in the directory; the checksum decides.
    info.orig_filename = name_in_header(archive, info) or info.orig_filename
    return archive.open(info)


def _open_in_tar(archives: _LastArchive, path: Path, offset: int) -> IO[bytes]:
    archive = cast(tarfile.TarFile, archives(path))
    cast(IO[bytes], archive.fileobj).seek(offset)
    return cast(IO[bytes], archive.extractfile(tarfile.TarInfo.fromtarfile(archive)))


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _named(
    inside: deque[tuple[str, OpenFile]], archive: PurePosixPath, lone: bool
) -> Iterator[Member]:
    """Yield the members of an archive under their names in the source; ``inside`` is emptied."""
    stem = _without_suffix(archive.name)
    if len(inside) == 1 and not lone:
        ((name, open_member),) = inside
        suffix = PurePosixPath(member_name(name)).suffix.lower()
        if suffix and stem.lower().endswith(suffix):  # book.fb2.zip is one book
            yield _member(str(archive.with_name(stem)), open_member)
            return
    folder = archive.parent if lone else archive.with_name(stem)
    while inside:
        given, open_member = inside.popleft()
        name = member_name(given)
        full = str(folder / name)
        if is_archive(name):
            yield Member(full, partial(_refuse, "it is an archive in an archive: unpack it"))
        elif open_member is _REPLACED:
            yield Member(without_compression(full), open_member, is_replaced=True)
        else:
            yield _member(full, open_member)


def _member(name: str, open_file: OpenFile) -> Member:
    """Make a member whose bytes are decompressed."""
    return Member(without_compression(name), open_file, compression(name))


class _LastArchive:
    """Opens archives and keeps only the last one open: a folder may contain thousands."""

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
    return tarfile.open(fileobj=decompressed(stream, detected_compression(stream)), mode="r:")


def _refuse(fault: str) -> NoReturn:
    raise Unreadable(fault)


_REPLACED = partial(_refuse, "a later file of the same name is read in its place")


def _without_suffix(archive: str) -> str:
    suffix = max((s for s in ARCHIVES if archive.lower().endswith(s)), key=len)
    return archive[: -len(suffix)] or archive


def _added(name: str) -> bool:
    """Whether macOS added the file to a folder or an archive."""
    return name.startswith("._")
