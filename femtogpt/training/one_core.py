"""The two threads of a training on one of two cores, while other programs could fill both.

Where each thread has a core, the system spreads the other programs over both: now this thread waits
for a core, now that one, and the other thread waits for it in every parallel loop. On one core the
two wait for nobody, and the rest of the machine is the others'. No sum changes.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

CROWD = 0.9  # cores that others take beside both threads: one program alone takes two thirds
LEFT = 0.9  # cores that others take beside one core: less, and it is time to spread again
LOOKS = 15  # at the machine, after which it is seen anew what others take beside both
TASKS = Path("/proc/self/task")


class OneCore:
    """Where the threads of this process may run: on all their cores, or on one of two."""

    def __init__(self, threads: int):
        self.cores = os.sched_getaffinity(0)
        self.can = threads == len(self.cores) == 2
        self.looks = 0  # since they share a core; 0: they do not
        self._next = os.getpid()  # of two trainings, each begins with another core, maybe

    def look(self, others: float) -> None:
        """``others``: how many cores other programs have kept busy since the last look."""
        if self.looks:
            self.looks += 1
            if others < LEFT or self.looks > LOOKS:
                self.end()
        elif self.can and others > CROWD:
            self._next += 1
            self.looks = 1
            _run_on({sorted(self.cores)[self._next % 2]})

    def end(self) -> None:
        """Have them run on all cores again."""
        if self.looks:
            self.looks = 0
            _run_on(self.cores)


def _run_on(cores: set[int]) -> None:
    for task in os.listdir(TASKS):
        with suppress(OSError):  # it has ended
            os.sched_setaffinity(int(task), cores)
