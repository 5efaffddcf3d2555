"""Files on disk: atomic writes, checksums, and errors that say what to do."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from femtogpt.artifacts.room import ELSEWHERE, LEAST, free_room, lack_of_room, size_of
from femtogpt.errors import UserError


def json_digest(value: Any) -> str:
    """SHA-256 (hexadecimal) of a JSON value, independent of the order of keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 (hexadecimal) of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomic(path: Path, *data: bytes | memoryview) -> None:
    """Write a file so that a crash at any moment leaves either the old or the new content."""
    partial = partial_name(path)
    try:
        with partial.open("wb") as file:
            file.writelines(data)
            file.flush()
            flush(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)  # on a full disk it would keep the disk full
        raise
    sync(path.parent)


def partial_name(path: Path) -> Path:
    """Where ``write_atomic`` keeps a file until it is complete."""
    return path.with_name(f".{path.name}.partial")


def sync(path: Path) -> None:
    """Flush a file, or the entries of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        flush(descriptor)
    finally:
        os.close(descriptor)


def flush(descriptor: int) -> None:
    """Flush an open file or folder to the disk, where its file system can do that.

    Memory cards, network shares and folders of a virtual machine often cannot flush a folder. What
    they write is then as safe as they make it; a crash still leaves no half-written file for whole,
    as files are checked by their checksums.
    """
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_FLUSH:
            raise


_CANNOT_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF}
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_FULL_TEMPORARY = "the temporary folder is full: free some space, or name another with TMPDIR=…"
_FORBIDDEN = f"it cannot be written: change its permissions, {ELSEWHERE}"
_IN_THE_WAY = f"a file is where a folder is needed: move it, {ELSEWHERE}"
_NO_SUCH_NAME = f"its file system takes no such name: use one without ? and :, {ELSEWHERE}"
_ADVICE = {
    errno.EINVAL: _NO_SUCH_NAME,
    errno.EILSEQ: _NO_SUCH_NAME,
    errno.ENAMETOOLONG: f"the name is too long: use a shorter one, {ELSEWHERE}",
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EROFS: _FORBIDDEN,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EEXIST: _IN_THE_WAY,
}


@contextmanager
def explain_os_errors(
    folder: Path, partial: Path | None = None, needed: int = 0, what: str = "this"
) -> Iterator[None]:
    """Turn the operating system's refusals into a UserError that says what to do.

    ``partial`` is the folder of the work in progress, ``needed`` the bytes that were expected of
    it, if that is known: a full disk had too little room for the rest. Otherwise it had too little
    for more than what is there.
    """
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        if error.errno in _NO_ROOM:
            to = error.filename2 or where  # a link or a new name is made there
            raise UserError(_full(Path(to), folder, partial, needed, what)) from error
        if error.errno not in _ADVICE or (error.errno == errno.EEXIST and Path(where).is_dir()):
            raise
        if error.errno == errno.EINVAL and error.filename is None:  # it is not about a name
            raise
        raise UserError(f"{where}: {_ADVICE[error.errno]}") from error


def _full(where: Path, folder: Path, partial: Path | None, needed: int, what: str) -> str:
    """What to do about a full disk: that of a folder, or the temporary one."""
    with suppress(OSError):  # the folder is not there, or no temporary one has any room
        free, temporary = free_room(folder), Path(tempfile.gettempdir())
        if where == folder:  # temporary files often have no names to tell
            is_elsewhere = free_room(temporary) < LEAST <= free
        else:
            is_temporary = where.is_relative_to(temporary) and not where.is_relative_to(folder)
            is_elsewhere = is_temporary and _device(where) == _device(temporary) != _device(folder)
        if is_elsewhere:
            return f"{temporary}: {_FULL_TEMPORARY}"
        written = size_of(partial) if partial else 0
        if (rest := needed - written) > free:
            return f"{where}: {lack_of_room(rest, free, f'the rest of {what}')}"
        least = written + free if needed else max(written + free, LEAST)
        return f"{where}: {lack_of_room(least, free, what)}"
    return f"{where}: the disk is full: free some space, {ELSEWHERE}"


def _device(path: Path) -> int:
    """The file system that a path is on, or will be."""
    return next(each for each in (path, *path.parents) if each.exists()).stat().st_dev
