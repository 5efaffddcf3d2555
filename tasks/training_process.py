"""Runs and watches a training in a process of its own."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from femtogpt.artifacts.disk import explain_os_errors
from femtogpt.artifacts.room import free_room
from femtogpt.errors import Stopped, Unfit, UserError
from femtogpt.progress import progress
from femtogpt.training.__main__ import STOPPED, UNFIT, USER_ERROR
from femtogpt.training.metrics import BITS, METRICS_FILE, MetricsReader
from tasks.mlflow_metrics import MetricsForwarder

LOG_FILE = "train.log"
LOSSES = ("train_loss", "held_out_loss")
POLL_SECONDS = 0.5  # between looks at the metrics file
FORWARD_SECONDS = 5.0  # between batches to MLflow
STOP_SECONDS = 120.0  # for a stopping training to finish its step and write a checkpoint
# Called with the share of the training that is done and each line of metrics with a held-out
# estimate. It ends the training by raising Pruned.
Watch = Callable[[float, dict[str, Any]], None]
ShowProgress = Callable[[float, str], None]  # called with the share that is done and a note
log = logging.getLogger("femtogpt.training")


def supervise(
    run: Path,
    tokens: Path,
    max_steps: int,
    forwarder: MetricsForwarder,
    watch: Watch | None = None,
    show: ShowProgress = lambda share, note: None,
) -> None:
    """Train in the folder ``run`` in a child process until it ends.

    A stop of this process (Ctrl-C, SIGTERM, Prefect's cancellation) is passed on, and the child's
    checkpoint awaited. The child also stops when this process dies: its standard input closes.
    Raises Stopped after a stop from outside, UserError if the child failed, and what ``watch``
    raises.
    """
    command = [sys.executable, "-m", "femtogpt.training", "--supervised", str(run), str(tokens)]
    with (run / LOG_FILE).open("ab") as file:
        child_log = _ChildLog(run / LOG_FILE)
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=file,
            # The log is a file of ours, whatever encoding the terminal has.
            env={**os.environ, "PYTHONIOENCODING": "utf-8:backslashreplace"},
            start_new_session=True,
        )
    feed = MetricsFeed(run / METRICS_FILE, max_steps, forwarder, watch)
    try:
        _follow(child, feed, child_log, show)
    except BaseException:
        _stop(child)
        raise
    finally:
        _close_stdin(child)
        child_log.pass_on()
        child_log.file.close()
        feed.watch = None  # the training has ended: there is nothing left to prune
        feed.read()
        forwarder.send()
    if child.returncode:
        raise _error_of(child.returncode, child_log.last_line, run)
    show(1.0, feed.note)


def _follow(
    child: subprocess.Popen[bytes], feed: MetricsFeed, child_log: _ChildLog, show: ShowProgress
) -> None:
    """Until the child ends, show its progress and forward its metrics."""
    forwarded = time.monotonic()
    with progress("training", feed.max_steps, "steps") as update:
        while child.poll() is None:
            child_log.pass_on()
            if feed.read():
                update(feed.step, feed.note)
            if time.monotonic() - forwarded >= FORWARD_SECONDS:
                feed.forwarder.send()
                show(feed.share, feed.note)
                forwarded = time.monotonic()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(POLL_SECONDS)


class MetricsFeed:
    """The one reader of a training's metrics file: it feeds MLflow, progress and a watch."""

    def __init__(
        self, path: Path, max_steps: int, forwarder: MetricsForwarder, watch: Watch | None = None
    ):
        self.path, self.max_steps = path, max_steps
        self.forwarder, self.watch = forwarder, watch
        self.step, self.note = 0, ""
        self._reader = MetricsReader(path)
        self._losses: dict[str, float] = {}

    @property
    def share(self) -> float:
        """How much of the training is done, from 0 to 1."""
        return self.step / self.max_steps

    def read(self) -> bool:
        """Read the new lines and pass them on. Returns whether there were any."""
        try:
            lines = self._new_lines()
            self.forwarder.add(lines)
            for line in lines:
                self._losses |= {name: line[name] for name in LOSSES if name in line}
                if self.watch is not None and BITS in line:
                    self.watch(line["step"] / self.max_steps, line)
        except BaseException:  # perhaps a stop, with lines read but not passed on: read all again
            self._reader = MetricsReader(self.path)
            raise
        if lines:
            self.step = lines[-1]["step"]
            self.note = self._describe(lines[-1])
        return bool(lines)

    def _new_lines(self) -> list[dict[str, Any]]:
        try:
            return self._reader.new()
        except ValueError:  # damaged: the training makes the file anew from its checkpoint
            return []

    def _describe(self, line: dict[str, Any]) -> str:
        parts = [f"{name.replace('_', ' ')} {loss:.3f}" for name, loss in self._losses.items()]
        if seconds := line["seconds"]:
            parts.append(f"{line['tokens'] / seconds:,.0f} tokens/s")
        return ", ".join(parts)


class _ChildLog:
    """Passes on the lines that the child adds to its log."""

    def __init__(self, path: Path):
        self.file = path.open(encoding="utf-8", errors="replace")
        self.file.seek(0, 2)
        self.last_line = ""
        self._unfinished = ""  # a line that is still being written

    def pass_on(self) -> None:
        *lines, self._unfinished = (self._unfinished + self.file.read()).split("\n")
        for line in lines:
            # Several processes of one training report the same end; one line of it is enough.
            if (line := line.strip()) and not line.startswith("[rank"):
                self.last_line = line
                log.info("%s", line)


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Ask the child to write its checkpoint and end. A second interruption kills it."""
    if child.poll() is None:
        log.info("stopping: training finishes its step and writes a checkpoint")
        _close_stdin(child)
        try:
            child.wait(STOP_SECONDS)
        finally:
            if child.poll() is None:
                for process in [*psutil.Process(child.pid).children(recursive=True), child]:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()
                child.wait()


def _close_stdin(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None  # it was started with a pipe
    child.stdin.close()


def _error_of(status: int, last_line: str, run: Path) -> Exception:
    """The exception for a child that ended with a status other than 0."""
    if status == STOPPED:
        return Stopped(f"{last_line}; the same command goes on from there")
    if status == UNFIT and last_line:
        return Unfit(last_line)
    if status in (USER_ERROR, UNFIT):
        return UserError(last_line) if last_line and _has_room(run) else _disk_full(run)
    if status < 0:
        name = signal.Signals(-status).name
        memory = " (out of memory? lower train.micro_batch)" if -status == signal.SIGKILL else ""
        return UserError(
            f"training was killed by {name}{memory}; the same command goes on from its checkpoint"
        )
    return UserError(f"training failed: {last_line}; the details are in {run / LOG_FILE}")


def _has_room(run: Path) -> bool:
    """Whether the disk had room for the child to write why it ended, or the folder is gone."""
    return not run.is_dir() or free_room(run) >= 4096


def _disk_full(run: Path) -> UserError:
    try:
        with explain_os_errors(run):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except UserError as error:
        return error
