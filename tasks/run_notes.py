"""Notes of what a run has open, so that it can be ended if the run's processes are killed.

They are lines of JSON in the folder that OPEN_RUNS_VARIABLE names: a file for MLflow, one for
Prefect.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from femtogpt.artifacts.disk import write_atomic


def read_notes(path: Path) -> list[dict[str, Any]]:
    """The notes in a file; none if it is not there. Raises ValueError if it is damaged."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def write_notes(path: Path, notes: Iterable[Mapping[str, Any]]) -> None:
    """Replace the notes in a file. On a full disk they stay as they are: the run does without."""
    with suppress(OSError):
        write_atomic(path, "".join(json.dumps(note) + "\n" for note in notes).encode())
