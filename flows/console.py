"""What a person in front of a terminal sees of a flow, and what they are spared."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from prefect.client.orchestration import get_client
from prefect.exceptions import CancelledRun
from prefect.settings import get_current_settings

from femtogpt.errors import UserError
from femtogpt.progress import progress

GOES_ON = "the same command goes on from here"
RUNS = ("prefect.flow_runs", "prefect.task_runs", "prefect.task_runner")
log = logging.getLogger("femtogpt.flows")


class _Console(logging.Handler):
    """Writes to whatever standard error is at the moment: a progress line may stand in for it."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)


def _worth_showing(record: logging.LogRecord) -> bool:
    """Not Prefect's states of runs, and not its tracebacks: the last line says what failed.

    Nor that its temporary server starts and stops, of which ``await_server`` tells.
    """
    if record.name == "prefect":
        return record.levelno > logging.INFO
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
    for handler in logging.getLogger().handlers:
        handler.addFilter(_worth_showing)


def await_server() -> None:
    """Where no server is given, have Prefect start its temporary one, and say what is waited for.

    A flow would start it too, in silence.
    """
    settings = get_current_settings()
    if settings.api.url or not settings.server.ephemeral.enabled:
        return
    log.info("waiting some 10 to 20 s for Prefect's temporary server; make up keeps one running")
    with progress("Prefect's temporary server"), get_client(sync_client=True):
        pass


@contextmanager
def told() -> Iterator[None]:
    """Have a command end with one line where it does not do its work.

    Its status is then 1, or 130 where it was stopped.
    """
    try:
        yield
    except UserError as error:
        _end(f"error: {error}", 1)
    except CancelledRun as error:
        _end(str(error), 130)
    except KeyboardInterrupt:  # before or after the flow
        _end(f"stopped: {GOES_ON}", 130)
    except RuntimeError as error:
        if "Failed to reach API" not in str(error):
            raise
        where = os.environ.get("PREFECT_API_URL")
        _end(f"error: no Prefect server answers at {where}: make up, or unset PREFECT_API_URL", 1)


def _end(line: str, status: int) -> NoReturn:
    print(line, file=sys.stderr)
    sys.exit(status)


def stop_when_alone() -> None:
    """Interrupt this process when its standard input closes: who started it is gone."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch, daemon=True).start()
