"""Where an export goes: written whole or not at all, and over nothing but an earlier export."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from femtogpt.artifacts.disk import file_digest, partial_name, sync, write_atomic
from femtogpt.errors import UserError

RECORD = "femtogpt.json"  # in a folder: the files of the export, with their checksums


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to write an export into, which then takes the place of ``folder``.

    Raises UserError if ``folder`` is something else than an export as it was written, or if it
    cannot be written.
    """
    place, folder = folder, folder.resolve()
    with explained(place):
        _check_folder(place)
        partial, old = partial_name(folder), folder.with_name(f".{folder.name}.old")
        shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
        partial.mkdir(parents=True)
        try:
            yield partial
            _record(partial)
            if folder.exists():
                shutil.rmtree(old, ignore_errors=True)
                os.rename(folder, old)
            os.rename(partial, folder)
            sync(folder.parent)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def new_file(file: Path) -> Iterator[Path]:
    """A file to write an export into, which then takes the place of ``file``.

    Raises UserError if it cannot be written.
    """
    partial = partial_name(file)
    with explained(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            sync(partial)
            os.rename(partial, file)
            sync(file.parent)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def explained(place: Path) -> Iterator[None]:
    """Turn what the operating system refuses into a UserError that says what to do."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or "the disk is full"  # numpy gives no reason
        room = "free some space, or " if error.errno in (None, errno.ENOSPC, errno.EDQUOT) else ""
        raise UserError(
            f"{place} cannot be written ({reason}): {room}name another place with --to"
        ) from error


def _check_folder(folder: Path) -> None:
    """Raise UserError if a folder exists and is neither empty nor an export as it was written."""
    if folder.is_file():
        raise UserError(f"{folder} is a file: name a folder with --to")
    present = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if not present:
        return
    try:
        files = json.loads((folder / RECORD).read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{folder} holds other files: name another folder with --to") from None
    for name in sorted(present - {RECORD}):
        if name not in files:
            raise UserError(
                f"{folder / name} was not written by an export: move it, or name another folder"
                " with --to"
            )
        if file_digest(folder / name) != files[name]:
            raise UserError(
                f"{folder / name} was changed after the export: move it, or name another folder"
                " with --to"
            )


def _record(folder: Path) -> None:
    """List the files of an export, and flush them to the disk."""
    files = {}
    for file in sorted(folder.iterdir()):
        sync(file)
        files[file.name] = file_digest(file)
    write_atomic(folder / RECORD, json.dumps({"files": files}, indent=1).encode())
