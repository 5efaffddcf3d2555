"""The temporary folder: room in it before a run begins, and the folder there that each run has."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from femtogpt.artifacts.room import free_room
from femtogpt.errors import UserError

# Compiled code, copies of compressed tables, and what MLflow is about to be sent.
ROOM = 64 << 20  # bytes
PREFIX, LOCK = "femtogpt-run-", "lock"


def check_room() -> None:
    """Raise UserError if the temporary folder is missing, cannot be written or is nearly full."""
    advice = "or name another folder with TMPDIR=…"
    try:
        folder = Path(os.environ.get("TMPDIR") or tempfile.gettempdir())
        free = free_room(folder)
    except OSError as error:  # none of the folders that Python tries has any room
        raise UserError(f"no temporary folder can be used ({error}): {advice}") from error
    if free < ROOM:
        raise UserError(
            f"the temporary folder {folder} has {free / (1 << 20):.1f} MB of room, and a run needs"
            f" {ROOM >> 20} MB: free some, {advice}"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"the temporary folder {folder} cannot be written: make it so, {advice}")


@contextmanager
def run_folder() -> Iterator[tuple[Path, int]]:
    """A folder for the time of a run, and a descriptor that says that it is in use.

    It counts as in use while a process has the descriptor: a child that is passed it may outlive
    this process. Folders of runs that were killed are removed.
    """
    _remove_abandoned()
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        folder = Path(name)
        with (folder / "new").open("wb") as lock:
            with suppress(OSError):  # a file system without locks: it is never taken for abandoned
                fcntl.flock(lock, fcntl.LOCK_EX)
            os.rename(folder / "new", folder / LOCK)  # others see it from now on
            yield folder, lock.fileno()


def _remove_abandoned() -> None:
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError), path.open("rb") as lock:  # in use, or another person's
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path.parent, ignore_errors=True)
