"""Runs a flow so that nothing is left running however it ends: ``python -m flows pipeline sample``.

The flow runs in a session of its own. On a terminal, Ctrl-C interrupts every foreground process,
Prefect's temporary server among them, and a flow without its server waits for minutes. Here only
the flow is stopped: its standard input closes, on a signal or when this process dies. It ends in
order, and what is left of its session is killed.

``python -m flows engine`` does the same for a run that a Prefect worker starts; that run also stops
when the worker is gone.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import IO

from femtogpt.errors import UserError
from femtogpt.terminal import speak_plainly
from flows.run_folder import forget, run_folder
from flows.service_notes import HOME
from flows.temporary_folder import check_room
from tasks import OPEN_RUNS_VARIABLE

GUARDED = "--guarded"
ENGINE = "engine"
COMMANDS = ("pipeline", "sweep", ENGINE)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
POLL_SECONDS = 1.0  # between looks at whether the worker is still there


def main() -> int:
    """Run ``flows.<command>`` with the other arguments. Returns its status, or 128 + the signal."""
    speak_plainly()
    if sys.argv[1:2] == [GUARDED]:
        return _run_flow(*sys.argv[2:])
    if not sys.argv[1:] or sys.argv[1] not in COMMANDS:
        print("usage: python -m flows pipeline|sweep [configuration] [options]", file=sys.stderr)
        return 2
    try:
        check_room()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    with run_folder() as (folder, in_use):
        return _guard(sys.argv[1], sys.argv[2:], folder, in_use)


def _guard(command: str, arguments: list[str], folder: Path, in_use: int) -> int:
    signals: list[int] = []
    with _output(command) as output:
        flow = subprocess.Popen(
            [sys.executable, "-m", "flows", GUARDED, command, *arguments],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env={**os.environ, OPEN_RUNS_VARIABLE: str(folder)},
            start_new_session=True,
            pass_fds=[in_use],
        )
    stdin = flow.stdin
    assert stdin is not None  # it was started with a pipe

    def stop_flow(number: int, frame: FrameType | None) -> None:
        signals.append(number)
        if len(signals) == 1:
            stdin.close()
        else:  # stop it at once
            flow.send_signal(signal.SIGINT)

    for number in SIGNALS:
        signal.signal(number, stop_flow)
    parent = os.getppid()
    while True:
        try:
            status = flow.wait(POLL_SECONDS if command == ENGINE else None)
            break
        except subprocess.TimeoutExpired:
            if os.getppid() != parent and not signals:
                stop_flow(signal.SIGHUP, None)
    if status < 0:  # it was killed and could say nothing: neither here, nor in Prefect and MLflow
        with contextlib.suppress(OSError):  # a worker that is gone
            print(_killed_by(-status), file=sys.stderr, flush=True)
        from flows.killed_runs import end_runs

        end_runs(folder)  # by its own temporary server, if it has one
    elif status == 0:  # else the next run looks whether Prefect and MLflow know that it ended
        forget(folder)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(flow.pid, signal.SIGKILL)
    if signals and command != ENGINE:
        return 128 + signals[-1]
    return status if status >= 0 else 128 - status


def _killed_by(number: int) -> str:
    memory = " (out of memory?)" if number == signal.SIGKILL else ""
    name = signal.Signals(number).name
    return (
        f"error: the run's process was killed by {name}{memory}; the same command goes on from here"
    )


def _output(command: str) -> contextlib.AbstractContextManager[IO[bytes] | None]:
    """Where the flow writes. A worker's pipe would break with the worker, and end the flow."""
    if command != ENGINE:
        return contextlib.nullcontext()
    log = HOME / "logs/flows.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("ab")


def _run_flow(command: str, *arguments: str) -> int:
    """Run the flow in this process. Its module is imported here: spawned processes import this."""
    if command == ENGINE:
        from flows.console import stop_with_parent

        stop_with_parent()
        from flows.killed_runs import end_abandoned

        end_abandoned()
        sys.argv = ["prefect.engine"]
        runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)
        return 0
    try:
        return importlib.import_module(f"flows.{command}").main([GUARDED, *arguments])
    except KeyboardInterrupt:  # before or after what the command does
        return 128 + signal.SIGINT
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the rest is short, and a stop no news in it


if __name__ == "__main__":
    sys.exit(main())
