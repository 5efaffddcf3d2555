"""Metrics on their way to MLflow: each value once, whatever happens to file, store and process."""

from __future__ import annotations

import json
import logging
import math
import signal

import pytest

from femtogpt.training.metrics import METRICS_FILE, MetricsWriter
from tasks.mlflow_store import SingleThreadClient
from tests.feeds import feed_of, forward


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A client of a store of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow import MlflowClient

        database = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
        yield MlflowClient(tracking_uri=f"sqlite:///{database}")


@pytest.fixture
def run(client):
    return client.create_run("0").info.run_id


@pytest.fixture
def path(tmp_path):
    return tmp_path / METRICS_FILE


def write(metrics: MetricsWriter, first: int, last: int, evaluate_every: int = 10, late: float = 0):
    """Log the steps ``first`` to ``last``, and an evaluation every so many."""
    for step in range(first, last + 1):
        moment = {"step": step, "tokens": 64 * step, "seconds": step / 7, "time": late + step}
        metrics.log(**moment, train_loss=9 / step, gradient_norm=1 / step, learning_rate=0.1)
        if step % evaluate_every == 0:
            metrics.log(**moment, held_out_loss=10 / step)


def history(client, run: str, name: str) -> list[tuple[int, float]]:
    """All points of a metric, in the order in which the store has them."""
    return [(point.step, point.value) for point in client.get_metric_history(run, name)]


def assert_complete(client, run: str, steps: int) -> None:
    """Each value of the steps is in the store, once and in order."""
    every = range(1, steps + 1)
    assert history(client, run, "train_loss") == [(step, 9 / step) for step in every]
    assert history(client, run, "by_tokens/train_loss") == [(64 * s, 9 / s) for s in every]
    assert history(client, run, "gradient_norm") == [(step, 1 / step) for step in every]
    assert history(client, run, "learning_rate") == [(step, 0.1) for step in every]
    assert history(client, run, "tokens") == [(step, 64 * step) for step in every]
    assert history(client, run, "seconds") == [(step, step / 7) for step in every]
    evaluated = range(10, steps + 1, 10)
    assert history(client, run, "held_out_loss") == [(step, 10 / step) for step in evaluated]
    assert history(client, run, "by_tokens/held_out_loss") == [(64 * s, 10 / s) for s in evaluated]


def test_more_values_than_mlflow_takes_at_once_arrive_once_and_in_order(client, run, path):
    write(MetricsWriter(path), 1, 320)
    feed = feed_of(client, run, path)
    forward(feed)
    forward(feed)
    assert_complete(client, run, 320)
    assert client.get_run(run).data.metrics["train_loss"] == 9 / 320


def test_a_growing_file_is_followed_by_whole_lines(client, run, path):
    feed = feed_of(client, run, path)
    forward(feed)  # before the file is there
    metrics = MetricsWriter(path)
    write(metrics, 1, 7)
    forward(feed)
    write(metrics, 8, 24)
    content = path.read_bytes()
    path.write_bytes(content[:-30])
    forward(feed)
    assert len(history(client, run, "train_loss")) == 23
    with path.open("ab") as file:
        file.write(content[-30:])
    write(metrics, 25, 30)
    forward(feed)
    assert_complete(client, run, 30)


def test_a_second_process_sends_nothing_twice(client, run, path):
    metrics = MetricsWriter(path)
    write(metrics, 1, 15)
    forward(feed_of(client, run, path))
    write(metrics, 16, 20)
    forward(feed_of(client, run, path))
    forward(feed_of(client, run, path))
    assert_complete(client, run, 20)


@pytest.mark.parametrize("again", [3, 7, 40], ids=["shorter", "about as long", "longer"])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_file_cut_back_and_grown_again_gives_each_step_once(client, run, path, again, restarted):
    metrics = MetricsWriter(path)
    write(metrics, 1, 13)
    size = metrics.sync()
    write(metrics, 14, 20)
    feed = feed_of(client, run, path)
    forward(feed)
    if restarted:
        feed = feed_of(client, run, path)
    # What the killed process had written after its checkpoint is trained again, at another time.
    write(MetricsWriter(path, size), 14, 13 + again, late=1_700_000_000.123)
    forward(feed)
    assert_complete(client, run, max(20, 13 + again))


class Failing:
    """A client whose ``log_batch`` fails at some calls, before or after the store took it."""

    def __init__(self, client, calls: set[int], taken: bool):
        self.client, self.calls, self.taken, self.count = client, calls, taken, 0

    def __getattr__(self, name):
        return getattr(self.client, name)

    def log_batch(self, *arguments, **named):
        self.count += 1
        if self.count not in self.calls or self.taken:
            self.client.log_batch(*arguments, **named)
        if self.count in self.calls:
            raise OSError("the store is away")


@pytest.mark.parametrize("taken", [False, True], ids=["before", "after it has taken them"])
def test_a_store_that_fails_for_a_while_loses_nothing(client, run, path, taken, caplog):
    metrics = MetricsWriter(path)
    feed = feed_of(Failing(client, {2, 4, 5}, taken), run, path)
    with caplog.at_level(logging.WARNING):
        for last in (150, 160, 170, 180):
            write(metrics, last - 149 if last == 150 else last - 9, last)
            forward(feed)
        forward(feed)
    assert not feed.forwarder.failure
    assert_complete(client, run, 180)
    warnings = [record.message for record in caplog.records]
    assert 1 <= len(warnings) <= 3
    assert all("the store is away" in line and METRICS_FILE in line for line in warnings)


def test_while_the_store_is_away_there_is_one_warning(client, run, path, caplog):
    metrics = MetricsWriter(path)
    feed = feed_of(Failing(client, set(range(1, 5)), False), run, path)
    with caplog.at_level(logging.WARNING):
        for step in range(1, 5):
            write(metrics, step, step)
            forward(feed)
    assert feed.forwarder.failure
    assert len(caplog.records) == 1
    forward(feed)
    assert_complete(client, run, 4)


def test_a_value_that_is_not_finite_keeps_no_other_out(client, run, path):
    metrics = MetricsWriter(path)
    write(metrics, 1, 4)
    line = {"step": 5, "tokens": 320, "seconds": 5 / 7, "time": 5}
    odd = {**line, "train_loss": math.nan, "gradient_norm": math.inf, "learning_rate": 0.1}
    with path.open("a") as file:
        file.write(json.dumps(odd) + "\n")
    write(metrics, 6, 8)
    feed = feed_of(client, run, path)
    forward(feed)
    assert not feed.forwarder.failure
    assert [step for step, _ in history(client, run, "learning_rate")] == list(range(1, 9))
    finite = [value for _, value in history(client, run, "train_loss") if math.isfinite(value)]
    assert finite == [9 / step for step in (1, 2, 3, 4, 6, 7, 8)]


def test_stops_while_mlflow_writes_leave_no_lock_and_no_hole(client, run, path, caplog):
    def stop(number, frame):
        raise KeyboardInterrupt

    metrics, strikes = MetricsWriter(path), 0
    threaded = SingleThreadClient(lambda: client)
    feed = feed_of(threaded, run, path)
    before = signal.signal(signal.SIGALRM, stop)
    try:
        for turn in range(20):
            write(metrics, 10 * turn + 1, 10 * turn + 10)
            signal.setitimer(signal.ITIMER_REAL, 0.001 * (turn + 1))
            try:
                forward(feed)
            except KeyboardInterrupt:
                strikes += 1
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert strikes
    forward(feed)
    assert_complete(threaded, run, 200)
    assert not caplog.records
