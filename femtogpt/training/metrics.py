"""The course of a training as lines of JSON beside its checkpoints.

Each line is ``{"step": …, "tokens": …, "seconds": …, "time": …, <name>: <value>, …}``: optimiser
steps and tokens trained on so far, seconds of training (pauses left out), Unix time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

FILE = "metrics.jsonl"


class Metrics:
    """Appends lines; on resuming, what came after the checkpoint is cut off."""

    def __init__(self, path: Path, size: int = 0):
        self.file = path.open("ab")
        self.file.truncate(size)
        self.file.seek(size)

    def log(self, **values: float) -> None:
        """Write one line, at once: a line once written outlives the process."""
        self.file.write(json.dumps(values).encode() + b"\n")
        self.file.flush()

    def sync(self) -> int:
        """Bring the lines to the disk; the bytes so far: where a checkpoint says to go on."""
        os.fsync(self.file.fileno())
        return self.file.tell()


def read_metrics(path: Path, start: int = 0) -> Iterator[tuple[int, dict]]:
    """The whole lines after byte ``start``, each with the byte at which the next one begins."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):  # still being written
                return
            start += len(line)
            yield start, json.loads(line)
