"""Which services run: each has a note with its process id and command (see ``flows.services``)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.setdefault("PREFECT_HOME", str(ROOT / ".prefect")))


def note_path(service: str) -> Path:
    """The file with the note of a service."""
    return HOME / "services" / f"{service}.json"


def read_note(service: str) -> dict[str, Any]:
    """The note: ``pid``, ``command``, ``port`` and ``where`` to look."""
    return json.loads(note_path(service).read_text("utf-8"))


def running_process(service: str) -> psutil.Process | None:
    """The service's process if it runs: the one with that id and that command."""
    try:
        note = read_note(service)
        process = psutil.Process(note["pid"])
        alive = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        return process if alive and process.cmdline() == note["command"] else None
    except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
        return None
