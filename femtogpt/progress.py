"""The progress of a long stage: a bar on a terminal, log lines elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

LOG_SECONDS = 10.0  # between the first log lines, without a terminal
SHARE = 0.01  # of the time so far that passes between two looks, from there on
MOST_SECONDS = 600.0  # between two looks
log = logging.getLogger(__name__)


class Update(Protocol):
    def __call__(self, done: float, note: str = "") -> None: ...


class Spacing:
    """Moments at which a person is shown something again, the longer it takes the further apart.

    Every ``shortest`` seconds at first, then at each hundredth of the time so far, then every ten
    minutes: some 1,500 times a week, where what is shown is kept in a database.
    """

    def __init__(self, shortest: float):
        self.shortest = shortest
        self.began = self.last = time.monotonic()

    @property
    def seconds(self) -> float:
        """Between the last moment and the next."""
        return max(self.shortest, min(SHARE * (self.last - self.began), MOST_SECONDS))

    def is_due(self) -> bool:
        """Whether such a moment has come since the last one that this has told of."""
        now = time.monotonic()
        if now - self.last < self.seconds:
            return False
        self.last = now
        return True


@contextmanager
def progress(stage: str, total: float | None = None, unit: str = "") -> Iterator[Update]:
    """Show the progress of ``stage``; yields ``update(done, note="")``.

    ``done`` is counted in ``unit``, up to ``total`` if that is known.
    """
    show = _on_terminal if sys.stderr.isatty() else _in_log
    with show(stage, total, unit) as update:
        yield update


@contextmanager
def _on_terminal(stage: str, total: float | None, unit: str) -> Iterator[Update]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[count]} {task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(stage, total=total, count="", note="")

        def update(done: float, note: str = "") -> None:
            bars.update(bar, completed=done, count=_count(done, total, unit), note=note)

        yield update


@contextmanager
def _in_log(stage: str, total: float | None, unit: str) -> Iterator[Update]:
    spacing = Spacing(LOG_SECONDS)

    def update(done: float, note: str = "") -> None:
        if spacing.is_due():
            log.info("%s: %s %s", stage, _count(done, total, unit), note)

    yield update


def _count(done: float, total: float | None, unit: str) -> str:
    return f"{done:,.0f}{f' of {total:,.0f}' if total else ''} {unit}"
