"""The progress of a long stage: a bar on a terminal, log lines elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

LOG_SECONDS = 10.0  # between log lines, without a terminal
log = logging.getLogger(__name__)


class Update(Protocol):
    def __call__(self, done: float, note: str = "") -> None: ...


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
    last = time.monotonic()

    def update(done: float, note: str = "") -> None:
        nonlocal last
        if time.monotonic() - last >= LOG_SECONDS:
            last = time.monotonic()
            log.info("%s: %s %s", stage, _count(done, total, unit), note)

    yield update


def _count(done: float, total: float | None, unit: str) -> str:
    return f"{done:,.0f}{f' of {total:,.0f}' if total else ''} {unit}"
