"""Runs a flow so that nothing is left behind however it ends: ``python -m flows pipeline sample``.

The flow runs in a session of its own. On a terminal, Ctrl-C strikes every process of the
foreground, Prefect's temporary server among them, and a flow without its server waits for
minutes. Here the flow alone is told, ends in order, and what remains of its session is ended.
It is told by its standard input, which closes: on a signal, or when this process is gone.

``python -m flows engine`` does the same for a run that a Prefect worker starts, which ends too
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
from tempfile import TemporaryDirectory
from types import FrameType
from typing import IO

import flows
from tasks import OPEN_RUNS

GUARDED = "--guarded"
ENGINE = "engine"
NAMES = ("pipeline", "sweep", ENGINE)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK = 1.0  # seconds between looks at whether the worker is still there


def main() -> int:
    """Run ``flows.<name>`` with the other arguments; its status, or 128 + the signal that came."""
    if sys.argv[1:2] == [GUARDED]:
        return _flow(*sys.argv[2:])
    if sys.argv[1:2] not in ([name] for name in NAMES):
        print("usage: python -m flows pipeline|sweep [configuration] [options]", file=sys.stderr)
        return 2
    with TemporaryDirectory(prefix="femtogpt-") as folder:
        return _guard(sys.argv[1], sys.argv[2:], Path(folder) / "runs")


def _guard(name: str, arguments: list[str], open_runs: Path) -> int:
    came: list[int] = []
    command = [sys.executable, "-m", "flows", GUARDED, name, *arguments]
    environment = {**os.environ, OPEN_RUNS: str(open_runs)}
    with _output(name) as output:
        flow = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )

    def pass_on(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if len(came) == 1:
            flow.stdin.close()
        else:  # it is to stop at once
            flow.send_signal(signal.SIGINT)

    for number in SIGNALS:
        signal.signal(number, pass_on)
    started_by = os.getppid()
    while True:
        try:
            status = flow.wait(LOOK if name == ENGINE else None)
            break
        except subprocess.TimeoutExpired:
            if os.getppid() != started_by and not came:
                pass_on(signal.SIGHUP, None)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(flow.pid, signal.SIGKILL)
    if status < 0 and open_runs.exists():  # it could not tell MLflow itself
        from tasks.mlflow_store import end_open

        end_open(open_runs, "the flow's process was killed")
    if came and name != ENGINE:
        return 128 + came[-1]
    return status if status >= 0 else 128 - status


def _output(name: str) -> contextlib.AbstractContextManager[IO | None]:
    """Where the flow writes: a worker's pipe would break with the worker, and end the flow."""
    if name != ENGINE:
        return contextlib.nullcontext()
    log = flows.HOME / "logs/flows.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("ab")


def _flow(name: str, *arguments: str) -> int:
    """Run the flow in this process; imported here, as working processes import this module too."""
    if name == ENGINE:
        from flows.console import stop_when_alone

        stop_when_alone()
        sys.argv = ["prefect.engine"]
        runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)
        return 0
    return importlib.import_module(f"flows.{name}").main([GUARDED, *arguments])


if __name__ == "__main__":
    sys.exit(main())
