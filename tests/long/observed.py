"""What a pipeline's processes, databases and folders take at a moment, seen from outside."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

# The parts of a pipeline by what their command lines have, the first that fits.
ROLES = {
    "training": "femtogpt.training",
    "server": "prefect.server",
    "flow": "--guarded",
    "guard": "flows",
}
MB = 1e6
Values = dict[str, float]


@dataclass(frozen=True)
class Sample:
    """What was seen at a moment."""

    seconds: float  # since the training began
    steps: int  # of the training
    values: Values  # by what they are of


def processes(root: int) -> list[psutil.Process]:
    """A process and all that it started, each before what it started; none if it is gone."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(root)
        return [process, *process.children(recursive=True)]
    return []


def of_processes(found: Iterable[psutil.Process]) -> Values:
    """Memory, open files and threads, by what a process is for."""
    values: Counter[str] = Counter()
    for process in found:
        with suppress(psutil.NoSuchProcess):
            line = " ".join(process.cmdline())
            role = next((role for role, word in ROLES.items() if word in line), "others")
            taken = {
                "MB": process.memory_info().rss / MB,
                "open files": process.num_fds(),
                "threads": process.num_threads(),
            }
            values.update({f"{role}: {name}": value for name, value in taken.items()})
    return dict(values)


def of_database(name: str, path: Path) -> Values:
    """Size, and rows of each table."""
    files = [path, path.with_name(f"{path.name}-wal")]
    values = {f"{name}: MB": sum(file.stat().st_size for file in files if file.exists()) / MB}
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30)) as database:
        tables = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
        for (table,) in database.execute(tables).fetchall():
            (rows,) = database.execute(f'select count(*) from "{table}"').fetchone()
            values[f"{name}: rows of {table}"] = rows
    return values


def of_folder(name: str, folder: Path, without: str = "") -> Values:
    """Number and size of its files, some of a name left out of the size."""
    sizes = {path: size for path, size in _sizes(folder)}
    counted = sum(size for path, size in sizes.items() if path.name != without)
    return {f"{name}: files": len(sizes), f"{name}: MB": counted / MB}


def _sizes(folder: Path) -> Iterator[tuple[Path, int]]:
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # it is gone by now
            if path.is_file():
                yield path, path.stat().st_size


def last_step(metrics: Path) -> int:
    """The step of the last whole line of a training's metrics; 0 without one."""
    with suppress(FileNotFoundError), metrics.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 65536))
        lines = file.read().split(b"\n")[1:-1]
        return int(json.loads(lines[-1])["step"]) if lines else 0
    return 0
