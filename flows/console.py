"""What a person in front of a terminal sees of a flow."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from prefect.client.orchestration import get_client
from prefect.exceptions import CancelledRun
from prefect.settings import get_current_settings

from femtogpt.errors import UserError
from femtogpt.progress import progress
from flows.child_output import children_write_to
from flows.prefect_room import check_room, lack_in_the_end, watch_room
from flows.service_notes import HOME
from flows.temporary_server import closed_server

RESUMES = "the same command goes on from here"
SERVER_IS_SLOW = (
    "Prefect's temporary server did not answer in time: try again when the machine is less busy, or"
    " keep one running with make up"
)
LOGS = HOME / "logs"
AGAIN_SECONDS = 0.05  # after which an interruption that was dropped comes again
RUN_LOGGERS = ("prefect.flow_runs", "prefect.task_runs", "prefect.task_runner")
log = logging.getLogger("femtogpt.flows")


class _StandardError(logging.Handler):
    """Writes to the current standard error, which a progress line may have replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)


class _LogFile(logging.FileHandler):
    """Keeps what a person does not see: what Prefect says of a failure, at its length.

    The file is made with its first record. One that cannot be written is done without.
    """

    def __init__(self, path: Path):
        super().__init__(path, encoding="utf-8", errors="backslashreplace", delay=True)
        self.setLevel(logging.WARNING)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        self.addFilter(lambda record: not record.name.startswith("femtogpt"))
        self.addFilter(lambda record: not _is_shown(record))

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):
            Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        pass


def _is_shown(record: logging.LogRecord) -> bool:
    """Whether a person sees one of Prefect's or another library's log records.

    Hidden are the states of runs; that the temporary server starts and stops, as ``await_server``
    says it; and tracebacks, as the last line says what failed: they are in a file.
    """
    if record.exc_info or (record.name.startswith("prefect.") and record.levelno > logging.WARNING):
        return False
    if record.name == "prefect":
        return record.levelno > logging.INFO
    return not record.name.startswith((*RUN_LOGGERS, "femtogpt")) or (
        record.name.startswith(RUN_LOGGERS) and record.levelno == logging.WARNING
    )


def show_stages() -> None:
    """Show the stages' own lines in place of Prefect's account of its runs.

    Prefect's server still gets everything.
    """
    logging.raiseExceptions = False  # or Prefect tells of each line that its server does not take
    handler = _StandardError()
    handler.setFormatter(logging.Formatter("%(asctime)s | %(message)s", datefmt="%H:%M:%S"))
    logging.getLogger("femtogpt").addHandler(handler)
    log_file = _LogFile(LOGS / "runs.log")
    for logger in (logging.getLogger(), *_loggers()):
        for screen in logger.handlers:
            if isinstance(screen, logging.StreamHandler):  # others send to Prefect's server
                screen.addFilter(_is_shown)
        if logger.handlers and (logger.parent is None or not logger.propagate):
            logger.addHandler(log_file)


def _loggers() -> list[logging.Logger]:
    """The loggers of other libraries that have handlers of their own."""
    known = logging.getLogger().manager.loggerDict.values()
    return [
        logger
        for logger in known
        if isinstance(logger, logging.Logger)
        and logger.handlers
        and not logger.name.startswith("femtogpt")
    ]


def await_server() -> None:
    """If no server is configured, start Prefect's temporary one, and say so before the wait.

    A flow would start it too, but silently. Raises UserError if it does not start, or if its disk
    has no room for the run's record.
    """
    settings = get_current_settings()
    if settings.api.url or not settings.server.ephemeral.enabled:
        return
    check_room()
    log.info("waiting 10 to 20 s for Prefect's temporary server; make up keeps one running")
    server_log = LOGS / "server.log"
    with (
        children_write_to(server_log),
        progress("Prefect's temporary server"),
        closed_server(server_log),
        get_client(sync_client=True),
    ):
        pass
    watch_room()


@contextmanager
def exit_with_one_line() -> Iterator[None]:
    """End a command that fails with one line, and status 1, or 130 if it was stopped."""
    try:
        yield
    except UserError as error:
        _exit(f"error: {error}", 1)
    except CancelledRun as error:
        _exit(str(error), 130)
    except KeyboardInterrupt:  # before or after the flow
        _exit(f"stopped: {RESUMES}", 130)
    except Exception as error:
        if lacking := lack_in_the_end():
            _exit(f"error: {lacking}; {RESUMES}", 1)
        if "attempting to connect to ephemeral" in str(error):
            _exit(f"error: {SERVER_IS_SLOW}", 1)
        if "Failed to reach API" not in str(error):
            raise
        url = os.environ.get("PREFECT_API_URL")
        _exit(f"error: no Prefect server answers at {url}: make up, or unset PREFECT_API_URL", 1)


def _exit(line: str, status: int) -> NoReturn:
    print(line, file=sys.stderr)
    sys.exit(status)


def stop_with_parent() -> None:
    """Interrupt this process when its standard input closes: its parent stops it, or is gone."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGINT)

    sys.unraisablehook = _interrupt_again
    # The background jobs of a shell script ignore interrupts, and so would this process.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=watch, daemon=True).start()


def _interrupt_again(lost: sys.UnraisableHookArgs) -> None:
    """An interruption that came where Python drops exceptions, as in a destructor, comes again."""
    if isinstance(lost.exc_value, KeyboardInterrupt):
        threading.Timer(AGAIN_SECONDS, os.kill, (os.getpid(), signal.SIGINT)).start()
    else:
        sys.__unraisablehook__(lost)
