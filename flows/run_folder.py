"""The folder that each run has, for notes of what it has open in Prefect and MLflow.

It lies with Prefect's data, and so outlives the run and a restart of the machine: if a run's
processes are killed, what it had open is ended by its guard, or else by the next run. A lock says
whether the processes are alive; the system releases it, however they end.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flows.service_notes import HOME
from tasks import MLFLOW_NOTES, PREFECT_NOTES

# Several machines may share the folder; another one's processes cannot be looked at.
PREFIX, LOCK = f"femtogpt-run-{platform.node()}-", "lock"
PLACE = HOME.absolute() / "open"


@contextmanager
def run_folder() -> Iterator[tuple[Path, int]]:
    """A folder for the time of a run, and a descriptor that says that it is in use.

    It counts as in use while a process has the descriptor: a child that is passed it may outlive
    this process. It stays if there are still notes in it. Folders of runs that were killed are
    removed, except those with notes.
    """
    for left in abandoned():
        _remove(left)
    folder = _new_folder()
    try:
        with (folder / "new").open("wb") as lock:
            with suppress(OSError):  # a file system without locks: it is never taken for abandoned
                fcntl.flock(lock, fcntl.LOCK_EX)
            os.rename(folder / "new", folder / LOCK)  # others see it from now on
            yield folder, lock.fileno()
    finally:
        _remove(folder)


def abandoned() -> Iterator[Path]:
    """Folders of this machine's runs whose processes are dead; no other process has one meanwhile.

    Another process that asks for them at the same time passes over those that are being dealt with.
    """
    for path in [*_folders(LOCK)]:
        with suppress(OSError), path.open("rb") as lock:  # in use, or another person's
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield path.parent


def notes_beside(folder: Path, name: str) -> Iterator[Path]:
    """The other runs' notes of a name."""
    return (path for path in _folders(name) if path.parent != folder)


def forget(folder: Path) -> None:
    """Remove a run's folder with its notes: nothing of it is open any more."""
    shutil.rmtree(folder, ignore_errors=True)


def _folders(name: str) -> Iterator[Path]:
    """The files of a name in all runs' folders."""
    for place in (PLACE, Path(tempfile.gettempdir())):
        yield from place.glob(f"{PREFIX}*/{name}")


def _new_folder() -> Path:
    """In the temporary folder where Prefect's data cannot be written: the run itself may do."""
    with suppress(OSError):
        PLACE.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=PREFIX, dir=PLACE))
    return Path(tempfile.mkdtemp(prefix=PREFIX))


def _remove(folder: Path) -> None:
    notes = [folder / name for name in (MLFLOW_NOTES, PREFECT_NOTES)]
    if not any(path.exists() and path.stat().st_size for path in notes):
        forget(folder)
