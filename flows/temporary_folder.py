"""The temporary folder: room in it before a run begins."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from femtogpt.artifacts.room import free_room
from femtogpt.errors import UserError

# Compiled code, copies of compressed tables, and what MLflow is about to be sent.
ROOM = 64 << 20  # bytes


def check_room() -> None:
    """Raise UserError if the temporary folder is missing, cannot be written or is nearly full."""
    advice = "or name another folder with TMPDIR=…"
    try:
        folder = Path(os.environ.get("TMPDIR") or tempfile.gettempdir())
        free = free_room(folder)
    except OSError as error:  # none of the folders that Python tries has any room
        raise UserError(f"no temporary folder can be used ({error}): {advice}") from error
    if free < ROOM:
        raise UserError(
            f"the temporary folder {folder} has {free / (1 << 20):.1f} MB of room, and a run needs"
            f" {ROOM >> 20} MB: free some, {advice}"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"the temporary folder {folder} cannot be written: make it so, {advice}")
