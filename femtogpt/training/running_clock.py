"""Seconds in which a process could run.

A monotonic clock knows nothing of the date, and on Linux it stands still while the machine is
suspended. It goes on while a process alone is stopped (SIGSTOP, a frozen container) or its virtual
machine is paused. Here no time passes then, whatever starts it again.
"""

from __future__ import annotations

import threading
import time

LOOK_SECONDS = 1.0  # between looks at the monotonic clock
PAUSE_SECONDS = 30.0  # without a look: the process was stopped; less may be a busy machine


class RunningClock:
    """A monotonic clock that is looked at all the time; a long time without a look is a pause."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._paused = 0.0
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def now(self) -> float:
        """Seconds since some moment, pauses of over half a minute left out."""
        with self._lock:
            last, self._last = self._last, time.monotonic()
            if self._last - last > PAUSE_SECONDS:
                self._paused += self._last - last - LOOK_SECONDS
            return self._last - self._paused

    def _look(self) -> None:
        while not self._closed.wait(LOOK_SECONDS):
            self.now()

    def close(self) -> None:
        """End its thread."""
        self._closed.set()
        self._thread.join()
