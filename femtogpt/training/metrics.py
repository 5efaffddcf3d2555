"""The metrics of a training: lines of JSON beside its checkpoints.

Each line is ``{"step": …, "tokens": …, "seconds": …, "time": …, <name>: <value>, …}``: optimizer
steps and tokens trained on so far, seconds of training (pauses left out), Unix time. Values are
numbers, but for ``sample``: the text that the model wrote at that step.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from femtogpt.artifacts.disk import flush, write_atomic
from femtogpt.training.observers import Evaluation, Moment, Observer

METRICS_FILE = "metrics.jsonl"
BITS = "held_out_bits_per_character_estimate"
LOSS = "held_out_loss"
SAMPLE = "sample"


class MetricsWriter(Observer):
    """Appends a line for each event of a training."""

    def __init__(self, path: Path, size: int = 0):
        """``size``: bytes to keep of an existing file, as the checkpoint says."""
        if path.is_file() and path.stat().st_size > size:
            # A new file: who follows the old one sees that, and not lines cut in the middle.
            write_atomic(path, path.read_bytes()[:size])
        self.path = path
        self.file = path.open("ab")

    def on_step(self, moment: Moment, values: Mapping[str, float]) -> None:
        self.log(**asdict(moment), **values)

    def on_evaluation(self, moment: Moment, evaluation: Evaluation) -> None:
        self.log(**asdict(moment), **evaluation.values)

    def on_sample(self, moment: Moment, text: str) -> None:
        self.log(**asdict(moment), sample=text)

    def log(self, **values: float | str) -> None:
        """Write one line at once, so that it outlives the process.

        A number that is not finite is left out: JSON has none, and it would ruin any chart.
        """
        sound = {
            name: value
            for name, value in values.items()
            if isinstance(value, str) or math.isfinite(value)
        }
        self.file.write(json.dumps(sound, ensure_ascii=False).encode() + b"\n")
        self.file.flush()

    def evaluations(self) -> list[tuple[int, float]]:
        """Step and held-out loss of each evaluation so far."""
        with self.path.open("rb") as lines:
            return evaluations(map(json.loads, lines))

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self.file.tell()

    def close(self) -> None:
        self.file.close()

    def sync(self) -> int:
        """Flush the lines to the disk. Returns the file's size, from which a resume goes on."""
        flush(self.file.fileno())
        return self.file.tell()


class MetricsReader:
    """Follows a metrics file while a training writes it."""

    def __init__(self, path: Path):
        self.path = path
        self._inode, self._offset = 0, 0

    def new(self) -> list[dict[str, Any]]:
        """The complete lines since the last call; all of them if the file was begun anew."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return []
        with file:
            inode = os.fstat(file.fileno()).st_ino
            file.seek(self._offset if inode == self._inode else 0)
            complete, newline, rest = file.read().rpartition(b"\n")  # rest: still being written
            self._inode, self._offset = inode, file.tell() - len(rest)
        return [json.loads(line) for line in complete.split(b"\n")] if newline else []


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All lines of a metrics file."""
    return MetricsReader(path).new()


def evaluations(lines: Iterable[Mapping[str, Any]]) -> list[tuple[int, float]]:
    """Step and held-out loss, in nats per token, of each evaluation among lines of metrics."""
    return [(line["step"], line[LOSS]) for line in lines if LOSS in line]
