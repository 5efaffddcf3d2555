"""The folder in which the processes, or machines, that make a corpus together exchange files."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from femtogpt.storage import storage_path

CLEANED = "cleaned"
RESULTS = ("documents", "rejected", "balance")


@contextmanager
def working_folder(folder: Path, exchange: str | None, name: str) -> Iterator[Path]:
    """A folder to make the corpus in: ``folder``, or one of this machine's below ``exchange``.

    ``exchange`` is a URL or a path that all workers reach. In the end the results are in
    ``folder`` and the rest is removed.
    """
    if exchange is None:
        yield folder.absolute()  # a worker may have another current directory
        (folder / CLEANED).rmdir()
        return
    remote = storage_path(exchange) / f"{name}-{platform.node()}"
    _remove(remote)  # left by a process that was killed
    try:
        remote.mkdir(parents=True, exist_ok=True)
        yield remote
        for result in RESULTS:
            for file in sorted((remote / result).rglob("*.parquet")):
                target = folder.joinpath(*file.parts[len(remote.parts) :])
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read_bytes())
    finally:
        _remove(remote)


def _remove(folder: Path) -> None:
    if isinstance(folder, Path):
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.exists():
        folder.fs.rm(folder.path, recursive=True)
