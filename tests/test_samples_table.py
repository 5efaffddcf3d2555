"""Samples on their way to MLflow: a table with each of them once, whatever happens."""

from __future__ import annotations

import json

import pytest

from femtogpt.training.metrics import METRICS_FILE, MetricsWriter
from tasks.mlflow_samples import TABLE
from tests.feeds import feed_of, forward


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A client of a store of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow import MlflowClient

        uri = f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"
        patch.setenv("MLFLOW_TRACKING_URI", uri)  # MLflow's ``load_table`` reads it
        yield MlflowClient()


@pytest.fixture(scope="module")
def experiment(client, tmp_path_factory):
    location = tmp_path_factory.mktemp("artifacts").as_uri()
    return client.create_experiment("samples", artifact_location=location)


@pytest.fixture
def run(client, experiment):
    return client.create_run(experiment).info.run_id


@pytest.fixture
def path(tmp_path):
    return tmp_path / METRICS_FILE


def text(step: int) -> str:
    return f'Жил-был {step}.\n\n— «Кто "там"?» — спросила\u2028лиса, <b>и</b> | 漢'


def write(metrics: MetricsWriter, *steps: int) -> None:
    """Log each step's loss and sample."""
    for step in steps:
        moment = {"step": step, "tokens": 64 * step, "seconds": step / 7, "time": step}
        metrics.log(**moment, held_out_loss=9.0)
        metrics.log(**moment, sample=text(step))


def rows(client, run: str) -> list[tuple[int, str, int]]:
    """The table as MLflow reads it."""
    experiment = client.get_run(run).info.experiment_id
    table = client.load_table(experiment, TABLE, [run])
    assert list(table.columns) == ["step", "sample", "tokens"]
    return list(table.itertuples(index=False, name=None))


def expected(*steps: int) -> list[tuple[int, str, int]]:
    return [(step, text(step), 64 * step) for step in steps]


class Counting:
    """A client that notes its calls; those of one name fail, before or after they had effect."""

    def __init__(self, client):
        self.client, self.calls, self.fails, self.taken = client, [], "", False

    def __getattr__(self, name):
        method = getattr(self.client, name)

        def call(*args, **kwargs):
            self.calls.append(name)
            if name == self.fails and not self.taken:
                raise OSError("the store is away")
            answer = method(*args, **kwargs)
            if name == self.fails:
                raise OSError("the store is away")
            return answer

        return call


def test_samples_are_a_table_of_mlflows_that_grows_and_no_metric(client, run, path):
    metrics, feed = MetricsWriter(path), feed_of(client, run, path)
    forward(feed)
    assert not client.list_artifacts(run)
    write(metrics, 0, 10)
    forward(feed)
    assert rows(client, run) == expected(0, 10)
    write(metrics, 20)
    forward(feed)
    assert rows(client, run) == expected(0, 10, 20)
    assert set(client.get_run(run).data.metrics) == {
        *("held_out_loss", "by_tokens/held_out_loss", "tokens", "seconds")
    }
    assert [point.step for point in client.get_metric_history(run, "tokens")] == [0, 10, 20]


def test_without_a_new_sample_mlflow_is_not_called(client, run, path):
    metrics, counting = MetricsWriter(path), Counting(client)
    write(metrics, 0, 10)
    feed = feed_of(counting, run, path)
    forward(feed)
    counting.calls.clear()
    forward(feed)
    assert counting.calls == []
    metrics.log(step=11, tokens=704, seconds=2, time=11, train_loss=3.0)
    forward(feed)
    assert counting.calls == ["log_batch"]


def test_a_training_that_was_stopped_has_each_sample_once(client, run, path):
    metrics = MetricsWriter(path)
    write(metrics, 0, 10)
    size = metrics.sync()
    write(metrics, 20)
    forward(feed_of(client, run, path))
    feed = feed_of(client, run, path)  # another process
    forward(feed)
    metrics = MetricsWriter(path, size)  # the training goes on from its checkpoint at step 10
    write(metrics, 20, 30)
    forward(feed)
    forward(feed_of(client, run, path))  # the same command once more
    assert rows(client, run) == expected(0, 10, 20, 30)


@pytest.mark.parametrize("taken", [False, True], ids=["before", "after it has taken it"])
@pytest.mark.parametrize("call", ["log_batch", "log_text", "get_run", "set_tag"])
def test_a_store_that_goes_away_gets_each_sample_once(client, run, path, call, taken):
    metrics, counting = MetricsWriter(path), Counting(client)
    write(metrics, 0)
    feed = feed_of(counting, run, path)
    counting.fails, counting.taken = call, taken
    forward(feed)
    assert feed.forwarder.failure
    write(metrics, 10)
    forward(feed)
    counting.fails = ""
    write(metrics, 20)
    forward(feed)
    assert not feed.forwarder.failure
    assert rows(client, run) == expected(0, 10, 20)


def test_a_table_that_a_person_has_put_there_is_still_shown(client, run, path):
    client.log_table(run, {"note": ["моя"]}, "mine.json")
    write(MetricsWriter(path), 0)
    forward(feed_of(client, run, path))
    tables = json.loads(client.get_run(run).data.tags["mlflow.loggedArtifacts"])
    assert [table["path"] for table in tables] == ["mine.json", TABLE]
