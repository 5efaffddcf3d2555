"""Room on a disk: told before a stage begins, and when there was too little after all."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from math import ceil, floor
from pathlib import Path

from femtogpt.errors import UserError

ELSEWHERE = "or choose another folder with paths.data=…"
LEAST = 1 << 20  # bytes that are asked for where nobody knows the need


def need_room(folder: Path, needed: int, what: str) -> None:
    """Raise UserError if the disk of a folder has less room than ``what`` still needs there."""
    if needed > (free := free_room(folder)):
        raise UserError(f"{folder}: {lack_of_room(needed, free, what)}")


def free_room(folder: Path) -> int:
    """Bytes that are free on the disk of a folder; without bound where it does not say."""
    usage = shutil.disk_usage(folder)
    return usage.free if usage.total else sys.maxsize  # some network shares say nothing


def lack_of_room(needed: int, free: int, what: str = "this", elsewhere: str = ELSEWHERE) -> str:
    """That a disk is full, how many bytes something needs, and what to do."""
    room = f"{what} needs at least {amount(needed, ceil)}, and {amount(free, floor)} are free"
    return f"the disk is full: {room}: free some space, {elsewhere}"


def amount(size: int, rounded: Callable[[float], int]) -> str:
    """A number of bytes as a person reads it."""
    unit, name = (10**6, "MB") if size >= 10**6 else (10**3, "kB")
    return f"{rounded(10 * size / unit) / 10:,.1f} {name}"


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder; 0 if there is none."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
