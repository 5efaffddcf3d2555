"""Where those who make the corpus together hand on what they have done."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from femtogpt.storage import storage_path

CLEANED = "cleaned"
KEPT = ("documents", "rejected")


@contextmanager
def exchanged(folder: Path, exchange: str | None, name: str) -> Iterator[Path]:
    """A place to work in: ``folder``, or one of this machine's below the URL ``exchange``.

    What is to be kept lies in ``folder`` in the end, whatever was between; the rest is removed.
    """
    if exchange is None:
        yield folder.absolute()  # who works elsewhere may have been started elsewhere
        (folder / CLEANED).rmdir()
        return
    place = storage_path(exchange) / f"{name}-{platform.node()}"
    _remove(place)  # of a process that was killed
    try:
        place.mkdir(parents=True, exist_ok=True)
        yield place
        for kept in KEPT:
            for file in sorted((place / kept).rglob("*.parquet")):
                into = folder.joinpath(*file.parts[len(place.parts) :])
                into.parent.mkdir(parents=True, exist_ok=True)
                into.write_bytes(file.read_bytes())
    finally:
        _remove(place)


def _remove(place: Path) -> None:
    if isinstance(place, Path):
        shutil.rmtree(place, ignore_errors=True)
    elif place.exists():
        place.fs.rm(place.path, recursive=True)
