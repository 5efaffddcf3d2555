"""Runs a flow so that nothing is left behind however it ends: ``python -m flows pipeline sample``.

The flow runs in a session of its own. On a terminal, Ctrl-C strikes every process of the
foreground, Prefect's temporary server among them, and a flow without its server waits for
minutes. Here the flow alone is told, ends in order, and what remains of its session is ended.
When this process is killed, the flow's standard input closes, and it stops.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys
from types import FrameType

GUARDED = "--guarded"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Run ``flows.<name>`` with the other arguments; its status, or 128 + the signal that came."""
    if sys.argv[1:2] == [GUARDED]:
        return _flow(*sys.argv[2:])
    if len(sys.argv) < 2:
        print("usage: python -m flows pipeline [configuration] [options]", file=sys.stderr)
        return 2
    name, *arguments = sys.argv[1:]
    came = []
    command = [sys.executable, "-m", "flows", GUARDED, name, *arguments]
    flow = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def pass_on(number: int, frame: FrameType | None) -> None:
        came.append(number)
        flow.send_signal(signal.SIGINT)

    for number in SIGNALS:
        signal.signal(number, pass_on)
    status = flow.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(flow.pid, signal.SIGKILL)
    if came:
        return 128 + came[-1]
    return status if status >= 0 else 128 - status


def _flow(name: str, *arguments: str) -> int:
    """Run the flow in this process; imported here, as working processes import this module too."""
    return importlib.import_module(f"flows.{name}").main([GUARDED, *arguments])


if __name__ == "__main__":
    sys.exit(main())
