"""Which services run: each has a note with its process id and command (see ``flows.services``)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.setdefault("PREFECT_HOME", str(ROOT / ".prefect")))


def note_path(service: str, home: Path | None = None) -> Path:
    """The file with the note of a service; ``home``: another folder than this project's."""
    return (home or HOME) / "services" / f"{service}.json"


def read_note(service: str) -> dict[str, Any]:
    """The note: ``pid``, ``command``, ``port``, ``where`` to look, and ``home``: where it lay."""
    return json.loads(note_path(service).read_text("utf-8"))


def running_process(service: str) -> psutil.Process | None:
    """The service's process if it runs, and was started here: see ``left_behind``."""
    note = _note(service)
    return _process(note) if _home(note) == HOME.resolve() else None


def left_behind(service: str) -> psutil.Process | None:
    """The service's process if it was started in a folder that was then moved here.

    It goes on with the files of a place that is gone. A copied folder has notes as well, of
    processes that are another project's.
    """
    note = _note(service)
    home = _home(note)
    is_moved = home != HOME.resolve() and not note_path(service, home).exists()
    return _process(note) if is_moved else None


def _note(service: str) -> dict[str, Any]:
    try:
        return read_note(service)
    except (OSError, ValueError):
        return {}


def _home(note: dict[str, Any]) -> Path:
    return Path(note.get("home") or HOME.resolve())


def _process(note: dict[str, Any]) -> psutil.Process | None:
    """The process with a note's id and command."""
    try:
        process = psutil.Process(note["pid"])
        alive = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        return process if alive and process.cmdline() == note["command"] else None
    except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
        return None
