"""The speed of a training while other programs keep cores busy, to its speed alone."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from arm_training import MANY_STEPS, Process
from fitted_time import WARM_STEPS

from femtogpt.training.metrics import METRICS_FILE, read_metrics

SECONDS = 15.0  # of each measurement
SETTLE = 3.0  # before it: what waits looks at the machine once a second
NAMES = {1: "beside_one", 3: "beside_three"}


def beside(training: Process, rounds: int = 3) -> dict[str, float | list[float]]:
    """Speeds beside one and three busy processes, as shares of the even share of the cores.

    With n of them on c cores that is c / (c + n) of the speed alone, which is measured before and
    after each. Medians of ``rounds``, and tokens per second.
    """
    cores = len(os.sched_getaffinity(0))
    speeds: dict[int, list[float]] = {0: [], **{count: [] for count in NAMES}}
    ratios: dict[str, list[float]] = {name: [] for name in NAMES.values()}
    rarely = {"evaluate_every": MANY_STEPS, "checkpoint_every": MANY_STEPS}
    with TemporaryDirectory() as folder, ExitStack() as stack:
        run = Path(folder) / "run"
        stack.enter_context(training.started(run, {"max_steps": MANY_STEPS, **rarely}))
        while _progress(run)[0] < 2 * WARM_STEPS:
            time.sleep(0.2)
        for _ in range(rounds):
            speeds[0].append(_speed(run, 0))
            for count, name in NAMES.items():
                before = speeds[0][-1]
                speeds[count].append(_speed(run, count))
                speeds[0].append(_speed(run, 0))
                alone = (before + speeds[0][-1]) / 2
                ratios[name].append(speeds[count][-1] / alone * (cores + count) / cores)
    medians = {name: statistics.median(values) for name, values in ratios.items()}
    tokens = {f"tokens_per_second_beside_{count}": speeds[count] for count in speeds}
    return {**medians, **tokens}


def _speed(run: Path, count: int) -> float:
    """Tokens per second beside so many busy processes."""
    with _busy(count):
        time.sleep(SETTLE)
        first = _progress(run)
        time.sleep(SECONDS)
        last = _progress(run)
    return (last[1] - first[1]) / (last[2] - first[2])


@contextmanager
def _busy(count: int) -> Iterator[None]:
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _progress(run: Path) -> tuple[int, int, float]:
    """Steps and tokens so far, and the Unix time at which the last step ended."""
    lines = [line for line in read_metrics(run / METRICS_FILE) if "train_loss" in line]
    if not lines:
        return 0, 0, 0.0
    return lines[-1]["step"], lines[-1]["tokens"], lines[-1]["time"]
