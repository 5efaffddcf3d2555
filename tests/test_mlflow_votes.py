"""Votes in MLflow, in a real store."""

from __future__ import annotations

from pathlib import Path

import pytest

from femtogpt.errors import UserError
from femtogpt.playground.vote_file import VoteFile
from femtogpt.playground.votes import tally
from tasks.mlflow_store import find_or_create_run, store_uri, unix_milliseconds
from tasks.mlflow_votes import record_votes
from tests.test_votes import A, B, vote


def recorded(mlruns: Path, run: str):
    """A client, and the MLflow run of a training."""
    creation = {"start_time": unix_milliseconds(), "run_name": run, "tags": {}}
    tag = ("femtogpt.run", run.removeprefix("run/"))
    client, run_id = find_or_create_run(store_uri(mlruns), mlruns, "one", tag, creation, {})
    return client, client.get_run(run_id)


def test_where_mlflow_has_no_store_a_line_says_so_and_none_is_made(tmp_path):
    with pytest.raises(UserError, match=r"has no runs in .*, so it takes no votes"):
        record_votes([vote("left")], tmp_path / "mlruns")
    assert not (tmp_path / "mlruns").exists()


@pytest.mark.slow
def test_both_runs_have_the_win_rate_its_history_and_the_votes(tmp_path):
    mlruns = tmp_path / "mlruns"
    for run in (A, B):
        recorded(mlruns, run)
    file, votes = VoteFile(tmp_path), [vote("left"), vote("right", (B, A)), vote("equal")]
    for count in (2, 3, 3):
        record_votes([*votes[:count], vote("left", (A, "run/unknown"))], mlruns)
    for run, other in ((A, B), (B, A)):
        client, found = recorded(mlruns, run)
        figures, name = tally(votes, run, other), f"votes_against_{other.removeprefix('run/')}"
        assert found.data.metrics[f"{name}/rate"] == figures.rate
        assert found.data.metrics[f"{name}/low"] == figures.low
        history = client.get_metric_history(found.info.run_id, f"{name}/votes")
        assert [point.step for point in history] == [2, 3], "what is there is not logged again"
        folder = client.download_artifacts(found.info.run_id, "votes", str(tmp_path))
        file.path = Path(folder) / f"against_{other.removeprefix('run/')}.jsonl"
        assert file.read() == votes
