"""Files on this machine: which of them a source reads, their digest, and copying them."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath

from femtogpt.artifacts.disk import explain_os_errors, file_digest
from femtogpt.artifacts.room import need_room
from femtogpt.errors import UserError
from femtogpt.sources.archives import ARCHIVES, check_archive, is_archive
from femtogpt.sources.compressed import suffix_of
from femtogpt.sources.info import is_info
from femtogpt.sources.member_names import readable, safe_path

log = logging.getLogger(__name__)
MAX_SUFFIXES_SHOWN = 8  # in a warning
_ADVICE = {  # what is wrong with a file that cannot be read, and what to do
    errno.ENOENT: "has vanished, or is a broken link: repair or remove it, and start again",
    errno.EACCES: "may not be read: change its permissions, or remove it",
    errno.EPERM: "may not be read: change its permissions, or remove it",
    errno.ELOOP: "is a link to itself: remove it",
    errno.EIO: "cannot be read from its disk: get another copy of it",
}


def identity(path: Path, suffixes: Set[str]) -> str:
    """Return the SHA-256 of an archive, or of the names and bytes of the files that are read.

    Raises UserError if there is no such file or it cannot be read.
    """
    if _is_lone_archive(path):
        check_archive(path)
        return _digest(path)
    digest = hashlib.sha256()
    for file, name in _files(path, suffixes):
        digest.update(f"{name}\n{_digest(file)}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def fetch(path: Path, suffixes: Set[str], into: Path) -> dict:
    """Copy the files that are read into ``into``; return their provenance.

    They are copied, not linked: with a hard link, editing a file would change the artifact.
    """
    files = [(path, path.name)] if _is_lone_archive(path) else _files(path, suffixes)
    if path.is_dir():
        _warn_of_other_files(path, suffixes)
    needed, copies = sum(_size(file) for file, _ in files), f"a copy of {path}"
    need_room(into, needed, copies)
    for file, name in files:
        copy = into / safe_path(readable(name))
        while copy.exists():  # two undecodable names may become equal
            copy = copy.with_stem(f"{copy.stem} ")
        with explain_os_errors(into, into, needed, copies), _explained(file):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
    return {"path": readable(str(path.resolve()))}


def _size(file: Path) -> int:
    """Bytes of a file; 0 of one that has vanished, which its copy tells."""
    with suppress(OSError):
        return file.stat().st_size
    return 0


def wanted(folder: Path, suffixes: Set[str]) -> list[str]:
    """List the files in a folder that are read, as sorted relative paths. UserError if none."""
    names = sorted(name for name in _names(folder) if _is_read(PurePath(name).name, suffixes))
    if all(is_info(PurePath(name).name) for name in names):
        kinds = ", ".join(sorted(suffixes))
        raise UserError(f"{folder}: there is no {kinds} file in it; give a folder that has some")
    return names


def _warn_of_other_files(folder: Path, suffixes: Set[str]) -> None:
    """Warn of files that are not read, by suffix: books may be among them."""
    names = map(PurePath, _names(folder))
    kinds = of_kinds(name for name in names if not _is_read(name.name, suffixes))
    if kinds:
        log.warning("%s: files of other kinds are left out: %s", folder, kinds)


def of_kinds(files: Iterable[PurePath]) -> str:
    """Count files by suffix, the most frequent first; hidden ones are passed over."""
    kinds = Counter(
        file.suffix.lower() or "no ending" for file in files if not file.name.startswith(".")
    )
    most = kinds.most_common(MAX_SUFFIXES_SHOWN)
    counts = ", ".join(f"{readable(kind)} {count:,}" for kind, count in most)
    return counts + (", …" if len(kinds) > MAX_SUFFIXES_SHOWN else "")


def _is_lone_archive(path: Path) -> bool:
    return is_archive(path.name) and not path.is_dir()


def _files(path: Path, suffixes: Set[str]) -> list[tuple[Path, str]]:
    """List the files that a path stands for, with their names in the source."""
    if path.is_dir():
        return [(path / name, name) for name in wanted(path, suffixes)]
    if not path.is_file():
        raise UserError(f"{path}: there is no such file or folder; check the path")
    if not _is_read(path.name, suffixes):
        kinds = ", ".join([*sorted(suffixes), *ARCHIVES])
        raise UserError(f"{path} is not a file of a known kind: give {kinds}")
    return [(path, path.name)]


def _is_read(name: str, suffixes: Set[str]) -> bool:
    """Whether a file is read, by its name."""
    if name.startswith("._"):  # what macOS adds
        return False
    return is_info(name) or is_archive(name) or suffix_of(name) in suffixes


def _names(folder: Path) -> Iterator[str]:
    """Yield all files below a folder. Links are followed, each folder is visited once."""
    seen: set[tuple[int, int]] = set()

    def refuse(error: OSError) -> None:
        with _explained(Path(error.filename)):
            raise error

    for parent, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        stat = os.stat(parent)
        if (stat.st_dev, stat.st_ino) in seen:
            folders.clear()
            continue
        seen.add((stat.st_dev, stat.st_ino))
        folders.sort()
        for name in names:
            file = Path(parent, name)
            is_broken_link = file.is_symlink() and not file.exists()  # reported when it is read
            if file.is_file() or is_broken_link:
                yield file.relative_to(folder).as_posix()


def _digest(file: Path) -> str:
    with _explained(file):
        return file_digest(file)


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    """Raise UserError with advice if a file cannot be read; errors of its copy pass through."""
    try:
        yield
    except OSError as error:
        if error.errno not in _ADVICE or error.filename != str(file):
            raise
        raise UserError(f"{readable(str(file))} {_ADVICE[error.errno]}") from error
