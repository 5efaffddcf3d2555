"""Watching a training that runs in a process of its own."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from femtogpt.artifacts.disk import explain_os_errors
from femtogpt.errors import Stopped, Unfit, UserError
from femtogpt.progress import progress
from femtogpt.training.__main__ import STOPPED, UNFIT, USER_ERROR
from femtogpt.training.metrics import METRICS_FILE, MetricsReader
from tasks.mlflow_metrics import Recorder

LOG = "train.log"
LOSSES = ("train_loss", "held_out_loss")
POLL = 0.5  # seconds between looks at the metrics
RECORD = 5.0  # seconds between batches to the tracker
PATIENCE = 120.0  # seconds that a stopping training has to finish its step and write
Watch = Callable[[dict], None]
Show = Callable[[float, str], None]  # the share that is done, and a note
log = logging.getLogger("femtogpt.training")


def supervise(
    run: Path,
    tokens: Path,
    max_steps: int,
    recorder: Recorder,
    watch: Watch | None = None,
    show: Show = lambda share, note: None,
) -> None:
    """Train in the folder ``run`` in a child process until it ends.

    Its progress is shown and carried to the recorder; ``watch`` is given each line of its metrics
    and may end the training by raising Pruned. ``show`` is told now and then how far it is. A stop
    of this process (Ctrl-C, SIGTERM, Prefect's cancellation) is passed on, and the child's
    checkpoint awaited. The child also stops when this process dies: its standard input closes.
    Raises Stopped after a stop that came from outside, UserError where the child failed.
    """
    command = [sys.executable, "-m", "femtogpt.training", "--supervised", str(run), str(tokens)]
    with (run / LOG).open("ab") as file:
        said = _Said(run / LOG)
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=file, stderr=file, start_new_session=True
        )
    try:
        _follow(child, max_steps, recorder, said, _Course(run / METRICS_FILE, watch), show)
    except BaseException:
        _stop(child)
        raise
    finally:
        child.stdin.close()
        said.tell()
        said.file.close()
        recorder.follow()
    if child.returncode:
        raise _reason(child.returncode, said.last, run)


def _follow(
    child: subprocess.Popen,
    max_steps: int,
    recorder: Recorder,
    said: _Said,
    course: _Course,
    show: Show,
) -> None:
    """Until the child ends, show how far it is and carry its metrics to the tracker."""
    recorded, now = time.monotonic(), (0, "")
    with progress("training", max_steps, "steps") as update:
        while child.poll() is None:
            said.tell()
            if new := course.now():
                now = new
                update(*now)
            if time.monotonic() - recorded >= RECORD:
                recorder.follow()
                show(now[0] / max_steps, now[1])
                recorded = time.monotonic()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(POLL)
    course.watch = None  # it has ended: there is nothing left to end early
    show(1.0, (course.now() or now)[1])


class _Course:
    """What the metrics say at each look."""

    def __init__(self, path: Path, watch: Watch | None):
        self.tail, self.losses = MetricsReader(path), {}
        self.watch = watch

    def now(self) -> tuple[int, str] | None:
        """The newest step and what to say of it; None where there is nothing new."""
        lines = self.tail.new()
        if not lines:
            return None
        for line in lines:
            self.losses |= {name: line[name] for name in LOSSES if name in line}
            if self.watch is not None:
                self.watch(line)
        said = [f"{name.replace('_', ' ')} {loss:.3f}" for name, loss in self.losses.items()]
        step, tokens, seconds = (lines[-1][axis] for axis in ("step", "tokens", "seconds"))
        if seconds:
            said.append(f"{tokens / seconds:,.0f} tokens/s")
        return step, ", ".join(said)


class _Said:
    """Passes the lines of the child's log on, from where the log ends now."""

    def __init__(self, path: Path):
        self.file = path.open(encoding="utf-8", errors="replace")
        self.file.seek(0, 2)
        self.rest = ""  # of a line that is still being written
        self.last = ""

    def tell(self) -> None:
        *lines, self.rest = (self.rest + self.file.read()).split("\n")
        for line in lines:
            # Another process's account of an end that one of them has told in a line.
            if (line := line.strip()) and not line.startswith("[rank"):
                self.last = line
                log.info("%s", line)


def _stop(child: subprocess.Popen) -> None:
    """Ask the child to write its checkpoint and end; a second interruption kills it."""
    if child.poll() is None:
        log.info("stopping: training finishes its step and writes a checkpoint")
        child.stdin.close()
        try:
            child.wait(PATIENCE)
        finally:
            if child.poll() is None:
                for process in [*psutil.Process(child.pid).children(recursive=True), child]:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()
                child.wait()


def _reason(status: int, last: str, run: Path) -> Exception:
    """Why the child ended, as the exception to raise."""
    if status == STOPPED:
        return Stopped(f"{last}; the same command goes on from there")
    if status == UNFIT and last:
        return Unfit(last)
    if status in (USER_ERROR, UNFIT):
        return UserError(last) if last and _has_room(run) else _full(run)
    if status < 0:
        name = signal.Signals(-status).name
        memory = " (out of memory? lower train.micro_batch)" if -status == signal.SIGKILL else ""
        return UserError(
            f"training was killed by {name}{memory}; the same command goes on from its checkpoint"
        )
    return UserError(f"training failed: {last}; the whole story is in {run / LOG}")


def _has_room(run: Path) -> bool:
    """Whether the child could write down why it ended."""
    return shutil.disk_usage(run).free >= 4096


def _full(run: Path) -> UserError:
    try:
        with explain_os_errors(run):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except UserError as error:
        return error
