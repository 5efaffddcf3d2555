"""A date that is set, a process that is stopped, and weeks: what they do to a training."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import ClassVar

import pytest

from femtogpt.artifacts.artifact import Recipe
from femtogpt.artifacts.lookup import find
from femtogpt.artifacts.store import Store
from femtogpt.model.files import CHECKPOINTS
from femtogpt.progress import MOST_SECONDS, progress
from femtogpt.training.loop import train
from femtogpt.training.running_clock import LOOK_SECONDS, PAUSE_SECONDS, RunningClock
from tasks import prefect_artifacts, run_metadata
from tests.tiny import outcome, settings

WEEK = 7 * 24 * 3600
A_WEEK = 1600  # times that something may be shown in it


class Clock:
    """A monotonic clock that is set by hand."""

    def __init__(self, monkeypatch, *modules: str):
        self.now = 1000.0
        for module in modules:
            monkeypatch.setattr(f"{module}.time", SimpleNamespace(monotonic=lambda: self.now))


def test_a_date_that_jumps_changes_no_loss_no_checkpoint_and_no_schedule(
    tokens, run, unbroken, monkeypatch
):
    config = settings(checkpoint_every=1000, checkpoint_minutes=1, keep_checkpoints=100)
    real, jumps = time.time, iter(range(10**6))
    monkeypatch.setattr(time, "time", lambda: real() + 7200 * (-1) ** next(jumps) * 3)
    train(config, tokens, run)
    monkeypatch.undo()
    assert outcome(run) == unbroken(config)
    assert [path.name for path in (run / CHECKPOINTS).glob("[0-9]*")] == ["00000020"]


def test_no_time_passes_for_a_training_that_is_stopped(monkeypatch):
    clock = Clock(monkeypatch, "femtogpt.training.running_clock")
    running = RunningClock()
    try:
        begun = running.now()
        clock.now += 20  # the machine is busy
        assert running.now() == begun + 20
        clock.now += 3600  # kill -STOP, docker pause
        assert begun + 20 <= running.now() <= begun + 20 + LOOK_SECONDS
        clock.now += PAUSE_SECONDS / 2
        assert running.now() <= begun + 20 + LOOK_SECONDS + PAUSE_SECONDS / 2
    finally:
        running.close()


def test_a_stop_makes_no_checkpoint_due(tokens, run, monkeypatch):
    clock = Clock(monkeypatch, "femtogpt.training.running_clock")
    steps = iter(range(100))

    def stop() -> bool:  # it is asked before every step
        clock.now += 3600 if next(steps) == 10 else 1
        return False

    config = settings(checkpoint_every=1000, checkpoint_minutes=10, keep_checkpoints=100)
    train(config, tokens, run, stop)
    assert [path.name for path in (run / CHECKPOINTS).glob("[0-9]*")] == ["00000020"]


def test_what_was_made_last_is_the_newest_after_the_date_was_set_back(tmp_path, monkeypatch):
    store = Store(tmp_path)
    first = store.make(Recipe("corpus", {"stage": "1"}, {"seed": 1}, {}), lambda folder: {})
    real = datetime.now(UTC)
    calendar = SimpleNamespace(
        now=lambda zone: real - timedelta(hours=3), fromisoformat=datetime.fromisoformat
    )
    monkeypatch.setattr("femtogpt.artifacts.artifact.datetime", calendar)
    second, third = (
        store.make(Recipe("corpus", {"stage": "1"}, {"seed": seed}, {}), lambda folder: {})
        for seed in (2, 3)
    )
    made = [artifact.manifest["made"] for artifact in (first, second, third)]
    assert made == sorted({*made})
    assert find("corpus", None, tmp_path) == third


@pytest.fixture
def calls(monkeypatch) -> list[float]:
    """When Prefect's server was told of a progress, on a clock that the test sets."""
    clock = Clock(monkeypatch, "femtogpt.progress")
    told: list[float] = []
    thread = lambda target, args, daemon: SimpleNamespace(  # noqa: E731
        start=lambda: target(*args), is_alive=lambda: False
    )
    monkeypatch.setattr(prefect_artifacts, "threading", SimpleNamespace(Thread=thread))
    monkeypatch.setattr(prefect_artifacts, "_ask_server", lambda request: told.append(clock.now))
    bar = prefect_artifacts.ProgressArtifact("training")
    for number in range(1, WEEK // 5):
        clock.now += 5
        bar.show(number / (WEEK // 5), "")
    bar.show(1.0, "")
    return told


def test_a_week_of_training_updates_its_progress_a_bounded_number_of_times(calls):
    gaps = [after - before for before, after in pairwise(calls)]
    assert len(calls) < A_WEEK
    assert max(gaps) <= MOST_SECONDS + 5, "who looks sees the last minutes"
    assert gaps[:90] == [5.0] * 90, "at first it is often"
    assert calls[-1] == 1000 + (WEEK // 5 - 1) * 5, "the end is always shown"


def test_a_week_of_training_writes_a_bounded_number_of_log_lines(monkeypatch, caplog):
    clock = Clock(monkeypatch, "femtogpt.progress")
    caplog.set_level(logging.INFO, "femtogpt.progress")
    with progress("training", WEEK, "steps") as update:
        for step in range(WEEK // 2):
            clock.now += 2
            update(step)
    assert 500 < len(caplog.records) < A_WEEK


class Tracker:
    """A stand-in for MLflow's client, with one run that goes on."""

    def __init__(self, uri: str | None = None):
        data = SimpleNamespace(metrics={"train_loss": 1.0}, _metric_objs=[])
        self.run = SimpleNamespace(data=data, info=SimpleNamespace(status="RUNNING"))

    def get_run(self, run_id: str) -> SimpleNamespace:
        return self.run

    def log_batch(self, run_id: str, metrics) -> None:
        type(self).steps |= {metric.step for metric in metrics}

    steps: ClassVar[set[int]] = set()


def test_the_load_is_recorded_ever_more_rarely(monkeypatch):
    for place in ("mlflow", "mlflow.tracking.client"):
        monkeypatch.setattr(f"{place}.MlflowClient", Tracker)
    monkeypatch.setattr(run_metadata, "LOAD_SECONDS", 0.02)
    monkeypatch.setattr("femtogpt.progress.SHARE", 0.5)
    with run_metadata.system_metrics("sqlite://", "run"):
        time.sleep(3)
    # After 0.04 s they are half as far apart as the time so far: 11 until the end.
    assert 4 < len(Tracker.steps) < 16
