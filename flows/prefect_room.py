"""Room for Prefect's record of a run: the database of its temporary server lies in PREFECT_HOME.

A run whose record finds no room goes on, as it does without a server; the end tells.
"""

from __future__ import annotations

import logging
import threading
import time

from femtogpt.artifacts.room import free_room, lack_of_room
from femtogpt.errors import UserError
from flows.service_notes import HOME

ROOM = 16 << 20  # bytes: a new database takes 5 MB with its log, a run less than one
FULL = 1 << 20  # bytes: with less, the database takes nothing more
LOOK_SECONDS = 5.0  # between looks at the disk
RECORD = "Prefect's record of the run"
ELSEWHERE = "or name another folder with PREFECT_HOME=…"
log = logging.getLogger("femtogpt.flows")
_was_full = threading.Event()


def lack(least: int = ROOM) -> str | None:
    """What is missing where less than so many bytes are free, and what to do; None if nothing."""
    folder = next(path for path in (HOME, *HOME.absolute().parents) if path.exists())
    free = free_room(folder)
    if free >= least:
        return None
    return f"{HOME}: {lack_of_room(ROOM, free, RECORD, ELSEWHERE)}"


def check_room() -> None:
    """Raise UserError unless there is room for a run's record."""
    if line := lack():
        raise UserError(line)


def lack_in_the_end() -> str | None:
    """The same of a run that has failed, if the disk is full or was."""
    if line := lack(FULL):
        return line
    return (
        f"{HOME}: the disk was full: free some space, {ELSEWHERE}" if _was_full.is_set() else None
    )


def watch_room() -> None:
    """Warn once, while the run goes on, when the disk is full."""

    def watch() -> None:
        while (line := lack(FULL)) is None:
            time.sleep(LOOK_SECONDS)
        log.warning("%s; the run goes on, and Prefect does not show all of it", line)
        _was_full.set()

    threading.Thread(target=watch, daemon=True).start()
