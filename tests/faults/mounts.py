"""Disks of a size, which another program fills, and folders that can only be read."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.faults.outcomes import NotTried


def fill(ballast: Path, room: int) -> None:
    """Fill a disk but for some bytes, while others write there."""
    for _ in range(20):
        size = shutil.disk_usage(ballast.parent).free - room
        if size <= 0:
            return
        with ballast.open("ab") as file, suppress(OSError):
            os.posix_fallocate(file.fileno(), file.tell(), size)
            return


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    """A disk of its own in a folder. Raises NotTried where none can be had."""
    folder.mkdir(parents=True)
    with unmounting(folder):
        mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
        yield


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Within this, nothing can be written into a folder, not even by root."""
    folder.mkdir(parents=True, exist_ok=True)
    with unmounting(folder):
        mount("--bind", str(folder), str(folder))
        mount("-o", "remount,bind,ro", str(folder))
        yield


def mount(*arguments: str) -> None:
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True, timeout=30)
    except OSError as error:
        raise NotTried(f"no disk can be mounted here: {error}") from error
    if done.returncode:
        raise NotTried(f"no disk can be mounted here: {done.stderr.strip()}")


@contextmanager
def unmounting(folder: Path) -> Iterator[None]:
    """Unmount what is mounted at a folder, if anything is, however this ends."""
    try:
        yield
    finally:
        with suppress(OSError):  # no such program: nothing was mounted
            umount = ["umount", "--lazy", str(folder)]
            subprocess.run(umount, capture_output=True, timeout=30)
