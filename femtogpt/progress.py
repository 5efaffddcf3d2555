"""How a long stage shows that it moves: one line on a terminal, plain log lines elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY = 10.0  # seconds between log lines where there is no terminal
log = logging.getLogger(__name__)


@contextmanager
def progress(stage: str, total: float | None = None, unit: str = "") -> Iterator[Callable]:
    """Show how far ``stage`` is; gives ``update(done, note="")``.

    ``done`` counts in ``unit`` up to ``total`` (None: the end is unknown).
    """
    show = _on_terminal if sys.stderr.isatty() else _in_log
    with show(stage, total, unit) as update:
        yield update


@contextmanager
def _on_terminal(stage: str, total: float | None, unit: str) -> Iterator[Callable]:
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
def _in_log(stage: str, total: float | None, unit: str) -> Iterator[Callable]:
    last = time.monotonic()

    def update(done: float, note: str = "") -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            log.info("%s: %s %s", stage, _count(done, total, unit), note)

    yield update


def _count(done: float, total: float | None, unit: str) -> str:
    return f"{done:,.0f}{f' of {total:,.0f}' if total else ''} {unit}"
