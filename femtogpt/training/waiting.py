"""How threads wait for each other: awake on an idle machine, asleep beside other work.

At the end of each parallel loop threads wait for the last. GNU's OpenMP, which torch uses on Linux,
has them wait awake, which is fastest where each has a core. Where another program has the core, the
last one waits for those that wait: beside one busy program training is half as fast as if they
slept. GNU's OpenMP chooses anew at each wait: they fall asleep at once while a process has more
threads in its pools than cores. So an idle pool more is all that it takes, and no sum changes.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path

import torch

from femtogpt.training.observers import Moment, Observer
from femtogpt.training.one_core import OneCore

SECONDS = 1.0  # between looks at the machine
SPARE = 0.3  # cores that others may use of those that the training needs
PARALLEL_SIZE = 1 << 18  # numbers that torch adds up with all of its threads
STAT = Path("/proc/stat")


class Waiting(Observer):
    """Has the threads of a training on a CPU sleep while other programs need its cores.

    Where there are many such programs, two threads share a core.
    """

    def __init__(self, device: torch.device):
        can = device.type == "cpu" and sys.platform == "linux" and torch.get_num_threads() > 1
        self.pool: IdlePool | None = None
        self.one_core = OneCore(torch.get_num_threads()) if can else None
        self.last = Times.now(self.one_core.cores) if self.one_core else None

    def on_step(self, moment: Moment, values: Mapping[str, float]) -> None:
        """Look at the machine, once in a while."""
        if self.last is None or self.one_core is None:
            return
        if time.monotonic() - self.last.clock < SECONDS:
            return
        cores = self.one_core.cores
        before, self.last = self.last, Times.now(cores)
        others = self.last.others_since(before)
        needed = others + torch.get_num_threads()
        if needed > len(cores) + SPARE and self.pool is None:
            self.pool = IdlePool()
        elif needed < len(cores) + SPARE / 2:
            self._wake()
        self.one_core.look(others)

    def close(self) -> None:
        """Let the threads wait awake again, each on a core of its own."""
        self._wake()
        if self.one_core is not None:
            self.one_core.end()

    def _wake(self) -> None:
        if self.pool is not None:
            self.pool.end()
            self.pool = None


class Times:
    """Seconds that some cores were busy so far, and those of them for this process.

    Programs that make way (niced ones) do not count, unless this process is one of them.
    """

    def __init__(self, clock: float, all_programs: float, own: float):
        self.clock, self.all_programs, self.own = clock, all_programs, own

    @classmethod
    def now(cls, cores: Collection[int] | None = None) -> Times:
        """``cores``: by default those that this process may use."""
        names = {f"cpu{number}" for number in cores or os.sched_getaffinity(0)}
        lines = (line.split() for line in STAT.read_text("ascii").splitlines())
        # In order: user, niced, system, idle, waiting for disks, interrupts, soft interrupts.
        is_niced = os.getpriority(os.PRIO_PROCESS, 0) > 0
        columns = (1, 2, 3, 6, 7) if is_niced else (1, 3, 6, 7)
        ticks = sum(int(line[column]) for line in lines if line[0] in names for column in columns)
        return cls(time.monotonic(), ticks / os.sysconf("SC_CLK_TCK"), time.process_time())

    def others_since(self, before: Times) -> float:
        """How many cores other programs have kept busy."""
        busy = (self.all_programs - before.all_programs) - (self.own - before.own)
        return max(0.0, busy / (self.clock - before.clock))


class IdlePool:
    """A pool of OpenMP's threads that has nothing to do: each thread that computes gets one."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        made = threading.Event()
        self.thread = threading.Thread(target=self._hold, args=(made,), daemon=True)
        self.thread.start()
        made.wait()

    def _hold(self, made: threading.Event) -> None:
        torch.ones(PARALLEL_SIZE).add_(1)
        made.set()
        self.ended.wait()

    def end(self) -> None:
        """Dissolve it."""
        self.ended.set()
        self.thread.join()
