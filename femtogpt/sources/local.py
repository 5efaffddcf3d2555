"""Files of this machine: what of a folder counts, its identity, and a copy of it."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path, PurePath

from femtogpt.artifacts.disk import file_digest
from femtogpt.errors import UserError
from femtogpt.sources.archives import ARCHIVES, check_archive, is_archive, readable
from femtogpt.sources.compressed import compression
from femtogpt.sources.info import is_info

log = logging.getLogger(__name__)
_MENDS = {  # what is wrong with a file that cannot be read, and what to do
    errno.ENOENT: "has vanished, or is a link to nothing: mend or remove it, and start again",
    errno.EACCES: "may not be read: give yourself the right, or take it out",
    errno.EPERM: "may not be read: give yourself the right, or take it out",
    errno.ELOOP: "is a link to itself: remove it",
    errno.EIO: "cannot be read from its disk: get another copy of it",
}


def identity(path: Path, suffixes: Set[str]) -> str:
    """SHA-256 of an archive's bytes, or of the names and bytes of the files that are read.

    Raises UserError where there is no such file or it is not one that can be read.
    """
    if _is_lone_archive(path):
        check_archive(path)
        return _digest(path)
    whole = hashlib.sha256()
    for file, name in _files(path, suffixes):
        whole.update(f"{name}\n{_digest(file)}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()


def fetch(path: Path, suffixes: Set[str], into: Path) -> dict:
    """Copy what counts into ``into``; the provenance.

    The copies are whole ones: through a hard link an edited file would change the artifact.
    """
    files = [(path, path.name)] if _is_lone_archive(path) else _files(path, suffixes)
    if path.is_dir():
        _tell_left_out(path, suffixes)
    for file, name in files:
        copy = into / readable(name)
        while copy.exists():  # of two names that cannot be written, each was made the same
            copy = copy.with_stem(f"{copy.stem} ")
        copy.parent.mkdir(parents=True, exist_ok=True)
        with _explained(file):
            shutil.copyfile(file, copy)
    return {"path": readable(str(path.resolve()))}


def wanted(folder: Path, suffixes: Set[str]) -> list[str]:
    """The files in a folder that are read, as sorted paths relative to it; UserError if none."""
    names = sorted(name for name in _names(folder) if _counts(PurePath(name).name, suffixes))
    if all(is_info(PurePath(name).name) for name in names):
        kinds = ", ".join(sorted(suffixes))
        raise UserError(f"{folder}: there is no {kinds} file in it; give a folder that has some")
    return names


def _tell_left_out(folder: Path, suffixes: Set[str]) -> None:
    """A warning for files that are not read, by their endings: books may be among them."""
    kinds = Counter(
        PurePath(name).suffix.lower() or "no ending"
        for name in map(PurePath, _names(folder))
        if not name.name.startswith(".") and not _counts(name.name, suffixes)
    )
    if kinds:
        counts = ", ".join(f"{readable(kind)} {count:,}" for kind, count in kinds.most_common(8))
        more = "" if len(kinds) <= 8 else ", …"
        log.warning("%s: files of other kinds are left out: %s%s", folder, counts, more)


def _is_lone_archive(path: Path) -> bool:
    return is_archive(path.name) and not path.is_dir()


def _files(path: Path, suffixes: Set[str]) -> list[tuple[Path, str]]:
    """The files that a path stands for, with their names in the source."""
    if path.is_dir():
        return [(path / name, name) for name in wanted(path, suffixes)]
    if not path.is_file():
        raise UserError(f"{path}: there is no such file or folder; check the path")
    if not _counts(path.name, suffixes):
        kinds = ", ".join([*sorted(suffixes), *ARCHIVES])
        raise UserError(f"{path} is not a file of a known kind: give {kinds}")
    return [(path, path.name)]


def _counts(name: str, suffixes: Set[str]) -> bool:
    """Whether a file is read, by its name."""
    if name.startswith("._"):  # what macOS adds
        return False
    plain = name.lower().removesuffix(compression(name))
    return is_info(name) or is_archive(name) or PurePath(plain).suffix in suffixes


def _names(folder: Path) -> Iterator[str]:
    """All files below a folder, links followed; each folder once, wherever links lead."""
    seen: set[tuple[int, int]] = set()

    def refuse(error: OSError) -> None:
        with _explained(Path(error.filename)):
            raise error

    for place, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        stat = os.stat(place)
        if (stat.st_dev, stat.st_ino) in seen:
            folders.clear()
            continue
        seen.add((stat.st_dev, stat.st_ino))
        folders.sort()
        for name in names:
            file = Path(place, name)
            nowhere = file.is_symlink() and not file.exists()  # told when it is read
            if file.is_file() or nowhere:
                yield file.relative_to(folder).as_posix()


def _digest(file: Path) -> str:
    with _explained(file):
        return file_digest(file)


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    """UserError for a file that cannot be read; what is wrong with its copy passes."""
    try:
        yield
    except OSError as error:
        if error.errno not in _MENDS or error.filename != str(file):
            raise
        raise UserError(f"{readable(str(file))} {_MENDS[error.errno]}") from error
