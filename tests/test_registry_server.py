"""MLflow's registry and the votes on a server, which keeps the files and is asked over HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from femtogpt.errors import UserError
from femtogpt.playground.vote_file import VoteFile
from femtogpt.playground.votes import tally
from tasks.mlflow_votes import record_votes
from tests.local_services import await_answer, free_port
from tests.test_registry import BETTER, GOOD, LOAD_BEST, WORSE, Runs
from tests.test_votes import vote

pytestmark = pytest.mark.slow


class ServedRuns(Runs):
    """Runs whose store is a server of MLflow's."""

    uri = ""  # where it is


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Iterator[ServedRuns]:
    """Runs, and a server that keeps what is sent to it in a folder that they do not know."""
    folder = tmp_path_factory.mktemp("server")
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--workers", "1"]
    command += ["--artifacts-destination", (folder / "files").as_uri()]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    runs = ServedRuns(tmp_path_factory.mktemp("client"))
    runs.uri = f"http://127.0.0.1:{port}"
    try:
        await_answer(f"{runs.uri}/health", server)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLFLOW_TRACKING_URI", runs.uri)
            yield runs
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def test_a_version_is_registered_the_best_named_and_loaded(runs, capsys):
    record = runs.record("мой дом, 50%?#", 1, GOOD)
    assert record["model"] == "models:/femtogpt-мой-дом-50-/1" and record["uri"] == runs.uri
    assert not list(runs.mlruns.iterdir()), "everything is on the server"
    model = runs.load("models:/femtogpt-мой-дом-50-@best")
    written = model.predict([{"prompt": "мама"}], {"seed": 5})
    assert written["text"][0] == runs.generated(capsys, "мама", "--seed", "5")


def test_the_alias_passes_to_a_better_version_only(runs):
    for seed, (bits, best) in enumerate([(GOOD, "1"), (WORSE, "1"), (BETTER, "3")], 1):
        runs.record("course", seed, bits)
        assert runs.best("course") == best


def test_the_same_run_again_is_no_other_version_and_a_deleted_one_is_registered_anew(runs):
    first = runs.record("again", 1, GOOD)
    (runs.data / "tracking").rename(runs.data / "tracking.old")
    assert runs.record("again", 1, GOOD) == first
    runs.client.delete_run(first["run_id"])
    (runs.data / "tracking").rename(runs.data / "tracking.older")
    again = runs.record("again", 1, GOOD)
    assert again["run_id"] != first["run_id"]
    assert runs.versions("again")[runs.best("again")] == again["run_id"]


def test_a_process_that_knows_only_the_server_loads_the_best(runs, tmp_path, capsys):
    runs.record("code", 1, GOOD)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    output = subprocess.check_output(
        [sys.executable, "-c", LOAD_BEST], cwd=tmp_path, env=kept, text=True, timeout=240
    )
    place, text = output.splitlines()[-2:]
    assert "femtogpt.zip" in place, "the code is that of the version"
    assert json.loads(text) == runs.generated(capsys, "мама", "--seed", "5")


def test_votes_are_written_to_the_runs_of_both(runs, tmp_path):
    one, other = runs.run, runs.make("run", runs._train, seed=2)
    names = f"run/{one.path.name}", f"run/{other.path.name}"
    recorded = [runs.record("votes", 1, GOOD)["run_id"]]
    runs.run = other
    recorded.append(runs.record("votes", 2, BETTER)["run_id"])
    runs.run = one
    votes = [vote(better, names) for better in ("left", "right", "left")]
    for count in (2, 3, 3):
        record_votes(votes[:count], runs.mlruns)
    for run_id, name, against in zip(recorded, names, names[::-1], strict=True):
        digest = against.removeprefix("run/")
        figures = runs.client.get_run(run_id).data.metrics
        assert figures[f"votes_against_{digest}/rate"] == tally(votes, name, against).rate
        history = runs.client.get_metric_history(run_id, f"votes_against_{digest}/votes")
        assert [point.step for point in history] == [2, 3], "what is there is not logged again"
        file = VoteFile(tmp_path)
        folder = runs.client.download_artifacts(run_id, "votes", str(tmp_path))
        file.path = Path(folder) / f"against_{digest}.jsonl"
        assert file.read() == votes


def test_a_server_that_is_away_is_told_in_one_line(runs, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free.getsockname()[1]}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UserError, match="make sure that its server runs") as told:
        runs.record("away", 1, GOOD)
    assert "\n" not in str(told.value)
