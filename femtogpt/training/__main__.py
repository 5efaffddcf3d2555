"""Training as a process of its own: ``python -m femtogpt.training RUN TOKENS``.

RUN holds ``settings.json``; TOKENS is a folder of token shards. SIGTERM and Ctrl-C finish the
step, write a checkpoint and end with status 75 (try again later); a second one ends at once.
If ``train.processes`` is more than one, it starts as many with torchrun.
``--supervised``: it also stops when its standard input closes, that is when the process that
started it is gone, and a second signal changes nothing. Status 2 means that the last line on
standard error says what to do; 3 means that training fails with these settings: the loss diverges,
or memory is too small.
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

from femtogpt.artifacts.disk import explain_os_errors
from femtogpt.artifacts.file_lock import FileLock, Timeout
from femtogpt.errors import Stopped, Unfit, UserError
from femtogpt.model.files import LOCK_FILE
from femtogpt.terminal import speak_plainly
from femtogpt.training.allocator import keep_freed_memory
from femtogpt.training.orphan import end_without_launcher

USER_ERROR, UNFIT, STOPPED = 2, 3, os.EX_TEMPFAIL


class _Stop:
    """Whether a stop was requested."""

    def __init__(self, supervised: bool):
        self.requested = False
        self.signals = 0
        self.supervised = supervised  # its parent kills it if it takes too long
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signal)
        if supervised:
            threading.Thread(target=self._watch, daemon=True).start()

    def __call__(self) -> bool:
        return self.requested

    def _signal(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        self.signals += 1
        if self.signals > 1 and not self.supervised:
            os._exit(128 + number)

    def _watch(self) -> None:
        while os.read(0, 1024):
            pass
        self.requested = True


@contextlib.contextmanager
def _alone(run: Path) -> Iterator[None]:
    """Allow one training at a time in a folder: an earlier one may still be stopping."""
    lock = FileLock(run / LOCK_FILE)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        logging.info("waiting for another training in %s to stop", run)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def main() -> int:
    speak_plainly()
    parser = argparse.ArgumentParser(prog="femtogpt.training", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("--supervised", action="store_true", help="stop when standard input closes")
    arguments = parser.parse_args()
    stop = _Stop(arguments.supervised)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)

    rank = os.environ.get("RANK")  # set if torchrun started this process
    if rank is not None:
        end_without_launcher()
    keep_freed_memory()  # before torch takes any
    # Imported after the signal handlers are set: torch takes seconds.
    from torch import OutOfMemoryError

    from femtogpt.tokens.shards import Tokens
    from femtogpt.training.checkpoint import unfinished
    from femtogpt.training.loop import train
    from femtogpt.training.settings import load_settings

    try:
        tokens = Tokens(arguments.tokens)
        settings = load_settings(arguments.run, tokens)
        if rank is None and settings.train.processes > 1:
            from femtogpt.training.launch import launch

            status = STOPPED if stop() else launch(settings.train.processes, sys.argv[1:], STOPPED)
            if status < 0:  # a process was killed: end in the same way
                if -status != signal.SIGKILL:
                    signal.signal(-status, signal.SIG_DFL)
                os.kill(os.getpid(), -status)
            return status
        alone = _alone(arguments.run) if rank in (None, "0") else contextlib.nullcontext()
        with explain_os_errors(arguments.run, unfinished(arguments.run)), alone:
            train(settings, tokens, arguments.run, stop)
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
