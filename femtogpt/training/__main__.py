"""Training as a process of its own: ``python -m femtogpt.training RUN TOKENS``.

RUN holds ``settings.json``; TOKENS is a folder of token shards. SIGTERM and Ctrl-C finish the
step, write a checkpoint and end with status 75 (try again later); a second one ends at once.
Where ``train.processes`` is more than one, it starts as many with torchrun.
``--supervised``: it also stops when its standard input closes, which happens when the process
that started it is gone, and a second signal changes nothing. Status 2 means that the last line
on standard error says what to do, 3 the same of settings that cannot be trained with: the loss
diverges, or memory does not do.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from femtogpt.artifacts.disk import explain_os_errors
from femtogpt.errors import Stopped, Unfit, UserError
from femtogpt.model.files import SETTINGS_FILE

if TYPE_CHECKING:
    from femtogpt.training.loop import Settings

USER_ERROR, UNFIT, STOPPED = 2, 3, os.EX_TEMPFAIL


class _Stop:
    """Whether a stop was asked for."""

    def __init__(self, supervised: bool):
        self.asked = False
        self.signals = 0
        self.supervised = supervised  # then who watches ends this process if it takes too long
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signal)
        if supervised:
            threading.Thread(target=self._watch, daemon=True).start()

    def __call__(self) -> bool:
        return self.asked

    def _signal(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        self.signals += 1
        if self.signals > 1 and not self.supervised:
            os._exit(128 + number)

    def _watch(self) -> None:
        while os.read(0, 1024):
            pass
        self.asked = True


@contextlib.contextmanager
def _alone(run: Path) -> Iterator[None]:
    """One training at a time in a folder: one whose watcher was killed may still be stopping."""
    lock = FileLock(run / ".lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        logging.info("waiting for another training in %s to stop", run)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _settings(run: Path) -> Settings:
    from femtogpt.training.loop import Settings

    try:
        settings = Settings.model_validate_json((run / SETTINGS_FILE).read_bytes())
        if settings.train.max_steps is None:
            raise ValueError("train.max_steps is not given")
        return settings
    except (OSError, ValueError) as error:
        raise UserError(f"{run} holds no settings.json that can be used: {error}") from error


def main() -> int:
    parser = argparse.ArgumentParser(prog="femtogpt.training", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("--supervised", action="store_true", help="stop when standard input closes")
    arguments = parser.parse_args()
    stop = _Stop(arguments.supervised)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)

    # Signals are caught from the first moment on: torch takes seconds to import.
    from torch import OutOfMemoryError

    from femtogpt.tokens.shards import Tokens
    from femtogpt.training.loop import train

    rank = os.environ.get("RANK")  # of a process that torchrun started
    try:
        settings = _settings(arguments.run)
        if rank is None and settings.train.processes > 1:
            from femtogpt.training.launch import launch

            status = STOPPED if stop() else launch(settings.train.processes, sys.argv[1:], STOPPED)
            if status < 0:  # one was killed: this one ends as it did
                if -status != signal.SIGKILL:
                    signal.signal(-status, signal.SIG_DFL)
                os.kill(os.getpid(), -status)
            return status
        alone = _alone(arguments.run) if rank in (None, "0") else contextlib.nullcontext()
        with explain_os_errors(arguments.run), alone:
            train(settings, Tokens(arguments.tokens), arguments.run, stop)
    except Stopped as stopped:
        logging.info("%s", stopped)
        return STOPPED
    except UserError as error:
        logging.error("%s", error)
        return UNFIT if isinstance(error, Unfit) else USER_ERROR
    except (OutOfMemoryError, MemoryError):
        logging.error("out of memory: lower train.micro_batch (it must divide train.batch_size)")
        return UNFIT
    return 0


if __name__ == "__main__":
    sys.exit(main())
