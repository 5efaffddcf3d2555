"""The course of a training as lines of JSON beside its checkpoints.

Each line is ``{"step": …, "tokens": …, "seconds": …, "time": …, <name>: <value>, …}``: optimiser
steps and tokens trained on so far, seconds of training (pauses left out), Unix time. Values are
numbers, but for a line's ``sample``: what the model wrote then.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

from femtogpt.artifacts.disk import write_atomic

METRICS_FILE = "metrics.jsonl"
BITS = "held_out_bits_per_character_estimate"
SAMPLE = "sample"


class MetricsWriter:
    """Appends lines; on resuming, what came after the checkpoint is cut off."""

    def __init__(self, path: Path, size: int = 0):
        if path.is_file() and path.stat().st_size > size:
            # A new file: who follows the old one sees that, and not lines cut in the middle.
            write_atomic(path, path.read_bytes()[:size])
        self.path = path
        self.file = path.open("ab")

    def log(self, **values: float | str) -> None:
        """Write one line, at once: a line once written outlives the process.

        A number that is not finite is left out: JSON has none, and it would ruin any chart.
        """
        sound = {
            name: value
            for name, value in values.items()
            if isinstance(value, str) or math.isfinite(value)
        }
        self.file.write(json.dumps(sound, ensure_ascii=False).encode() + b"\n")
        self.file.flush()

    def values(self, name: str) -> list[float]:
        """The values of this name so far, in order."""
        return [line[name] for line in read_metrics(self.path) if name in line]

    def sync(self) -> int:
        """Bring the lines to the disk; the bytes so far: where a checkpoint says to go on."""
        os.fsync(self.file.fileno())
        return self.file.tell()


class NullMetricsWriter:
    """In the place of Metrics in a process that does not write."""

    def log(self, **values: float | str) -> None:
        pass

    def values(self, name: str) -> list[float]:
        return []

    def sync(self) -> int:
        return 0


class MetricsReader:
    """Follows the lines of a metrics file that a training writes."""

    def __init__(self, path: Path):
        self.path = path
        self._inode, self._place = 0, 0

    def new(self) -> list[dict]:
        """The whole lines since the last look; all of them when the file was begun anew."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return []
        with file:
            inode = os.fstat(file.fileno()).st_ino
            file.seek(self._place if inode == self._inode else 0)
            whole, newline, rest = file.read().rpartition(b"\n")  # rest: still being written
            self._inode, self._place = inode, file.tell() - len(rest)
        return [json.loads(line) for line in whole.split(b"\n")] if newline else []


def read_metrics(path: Path) -> list[dict]:
    """All lines of a metrics file."""
    return MetricsReader(path).new()
