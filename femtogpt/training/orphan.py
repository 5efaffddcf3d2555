"""A process of a training ends when what launched it is gone.

Killed with SIGKILL, the launcher cannot end the processes that it started. They would train on
without it, or wait half an hour for each other where they have not met yet.
"""

from __future__ import annotations

import os
import signal
import threading
import time

LAUNCHER = "FEMTOGPT_LAUNCHER"  # in the environment: the launcher's process id
POLL_SECONDS = 0.5


def end_without_launcher() -> None:
    """End this process at once when its launcher, which may be torchrun, is gone."""
    launcher = int(os.environ.get(LAUNCHER, os.getppid()))

    def watch() -> None:
        while os.getppid() == launcher:
            time.sleep(POLL_SECONDS)
        os._exit(128 + signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
