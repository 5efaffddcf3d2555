"""A training whose clock is set back and forth, and one that is stopped and goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

from femtogpt.model.files import CHECKPOINTS
from femtogpt.tokens.shards import Tokens
from femtogpt.training.metrics import METRICS_FILE, read_metrics
from femtogpt.training.settings import TrainingSettings
from tests.long.observed import last_step
from tests.tiny import outcome, readable, settings

AT_STEP, THEN_STEP, STEPS = 100, 200, 300  # when something happens to the clock, and the end
LIMIT_SECONDS = 300.0  # within which a training ends
SOME_SECONDS = 2.0  # by which what a training says of its time may differ from what is seen
SHIFTS = {AT_STEP: -3 * 3600.0, THEN_STEP: 24 * 3600.0}  # seconds by which the date is wrong
# The training's own program, with a date that is wrong by what a file says. (libfaketime would do
# this to any program; the training is one in Python, and needs no other package for it.)
PROGRAM = """
import sys, time
from pathlib import Path
shift, real = Path(sys.argv.pop(1)), time.time
time.time = lambda: real() + float(shift.read_text())
from femtogpt.training.__main__ import main
sys.exit(main())
"""


class Clocks:
    """Trainings with the same settings, each in a folder of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.tokens: Tokens = readable(folder / "tokens")
        # A checkpoint by the minutes passed would be one that the unbroken training has not.
        self.config: TrainingSettings = settings(
            max_steps=STEPS,
            checkpoint_every=STEPS // 6,
            checkpoint_minutes=20.0,
            keep_checkpoints=100,
            evaluate_every=STEPS // 6,
            sample_every=STEPS // 3,
        )

    def started(self, name: str) -> Training:
        run = self.folder / name
        run.mkdir(exist_ok=True)
        (run / "settings.json").write_text(self.config.model_dump_json())
        return Training(run, self.tokens)

    def unbroken(self) -> Training:
        with self.started("unbroken") as training:
            training.end()
        return training

    def shifted(self) -> Training:
        """One whose date is set back by hours, and then forth by a day."""
        with self.started("shifted") as training:
            for step, seconds in SHIFTS.items():
                training.reach(step)
                training.shift.write_text(str(seconds))
            training.end()
        times = [line["time"] for line in read_metrics(training.run / METRICS_FILE)]
        steps = [after - before for before, after in pairwise(times)]
        assert min(steps) < -3600 and max(steps) > 3600, "the date was not set"
        return training

    def stopped(self, seconds: float) -> Training:
        """One that is stopped for so long, while another one begins in its folder."""
        with self.started("stopped") as training:
            training.reach(AT_STEP)
            training.child.send_signal(signal.SIGSTOP)
            with self.started("stopped") as other:
                time.sleep(seconds)
                step = last_step(training.run / METRICS_FILE)
                assert other.child.poll() is None, "another training did not wait for it"
                assert step < THEN_STEP, f"another training went on without it, to step {step}"
                training.child.send_signal(signal.SIGCONT)
                training.pause = seconds
                training.end()
                other.end()
        return training


class Training:
    """``python -m femtogpt.training`` on a run folder, with a date that can be set."""

    def __init__(self, run: Path, tokens: Tokens):
        self.began = time.monotonic()
        self.pause = 0.0
        self.run, self.shift = run, run.with_name(f"{run.name}.shift")
        self.shift.write_text("0")
        self.log = run.with_name(f"{run.name}.log")
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(self.shift), str(run), str(tokens.folder)],
                stdin=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(run.parent)},
            )

    def __enter__(self) -> Training:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.kill()
        self.child.wait()

    def reach(self, step: int) -> None:
        """Wait until it has trained so many steps."""
        limit = time.monotonic() + LIMIT_SECONDS
        while (now := last_step(self.run / METRICS_FILE)) < step:
            assert self.child.poll() is None, f"it ended: {self._said()}"
            assert time.monotonic() < limit, f"step {now} after {LIMIT_SECONDS:.0f} s"
            time.sleep(0.05)

    def end(self) -> None:
        """Wait for its end."""
        try:
            status = self.child.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"no end after {LIMIT_SECONDS:.0f} s") from None
        assert status == 0, f"it ended with status {status}: {self._said()}"
        said = float(read_metrics(self.run / METRICS_FILE)[-1]["seconds"])
        seen = time.monotonic() - self.began - self.pause
        assert 0 < said < seen + SOME_SECONDS, f"it says {said:.1f} s; it trained {seen:.1f} s"

    def _said(self) -> str:
        return (self.log.read_text("utf-8").strip().splitlines() or ["it said nothing"])[-1]

    @property
    def checkpoints(self) -> list[str]:
        return sorted(path.name for path in (self.run / CHECKPOINTS).iterdir())


def tries(folder: Path, pause: float) -> Iterator[tuple[str, str | None]]:
    """What was tried, and what is wrong if anything is; ``pause``: seconds of the stop."""
    folder.mkdir(parents=True)
    clocks = Clocks(folder)
    unbroken = clocks.unbroken()
    yield "the date set back by hours, then forth by a day", _failure(clocks.shifted, unbroken)
    what = f"stopped for {pause:.0f} s while another training begins in its folder"
    yield what, _failure(lambda: clocks.stopped(pause), unbroken)


def _failure(make: Callable[[], Training], unbroken: Training) -> str | None:
    """What of a training differs from the unbroken one."""
    try:
        training = make()
    except AssertionError as error:
        return str(error)
    if outcome(training.run) != outcome(unbroken.run):
        return "losses, samples or weights differ"
    if training.checkpoints != unbroken.checkpoints:
        return f"checkpoints {training.checkpoints} instead of {unbroken.checkpoints}"
    return None
