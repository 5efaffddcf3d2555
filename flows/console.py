"""What a person in front of a terminal sees of a flow, and what they are spared."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading

RUNS = ("prefect.flow_runs", "prefect.task_runs")


class _Console(logging.Handler):
    """Writes to whatever standard error is at the moment: a progress line may stand in for it."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)


def _worth_showing(record: logging.LogRecord) -> bool:
    """Not Prefect's states of runs, and not its tracebacks: the last line says what failed."""
    return not record.name.startswith((*RUNS, "femtogpt")) or (
        record.name.startswith(RUNS) and record.levelno == logging.WARNING
    )


def show_stages() -> None:
    """Show the stages' own lines instead of Prefect's account of its runs.

    Prefect's server still gets everything, and so do those who look at it there.
    """
    console = _Console()
    console.setFormatter(logging.Formatter("%(asctime)s | %(message)s", datefmt="%H:%M:%S"))
    logging.getLogger("femtogpt").addHandler(console)
    logging.getLogger("femtogpt").setLevel(logging.INFO)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_worth_showing)


def end(line: str, status: int) -> int:
    """Say why a command ends; the status it ends with."""
    print(line, file=sys.stderr)
    return status


def stop_when_alone() -> None:
    """Interrupt this process when its standard input closes: who started it is gone."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch, daemon=True).start()
