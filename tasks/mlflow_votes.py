"""The votes between runs, as figures and files of the MLflow runs of both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import permutations
from pathlib import Path
from typing import Any

from femtogpt.errors import UserError
from femtogpt.playground.votes import Vote, tally
from femtogpt.sqlite_url import sqlite_path
from tasks.mlflow_store import explain_store_errors, quieten, store_uri
from tasks.moved_store import DATABASE, mend_addresses

RUN_TAG = "femtogpt.run"  # the digest of the training's artifact (see tasks.mlflow_run)
FIGURES = ("rate", "low", "high", "votes")


def record_votes(votes: Sequence[Vote], mlruns: Path) -> None:
    """Bring MLflow up to date with all votes so far: what it has already is not logged again.

    Runs that MLflow does not have are left out. Raises UserError if its store refuses, or if there
    is none in ``mlruns``.
    """
    uri = store_uri(mlruns)
    database = sqlite_path(uri)
    if database and not database.exists():
        raise UserError(f"MLflow has no runs in {mlruns} yet, so it takes no votes")
    quieten()
    from mlflow import MlflowClient

    with explain_store_errors(uri):
        if database == (mlruns / DATABASE).absolute():
            mend_addresses(mlruns)
        client = MlflowClient(tracking_uri=uri)
        for pair in {tuple(sorted(vote.runs)) for vote in votes}:
            between = [vote for vote in votes if {*vote.runs} == {*pair}]
            for run, other in permutations(pair):
                _record(client, run, other, between)


def _record(client: Any, run: str, other: str, votes: Sequence[Vote]) -> None:
    """Log the votes between two runs to what MLflow has of the first."""
    against = other.removeprefix("run/")
    figures = asdict(tally(votes, run, other))
    lines = "".join(json.dumps(asdict(vote), ensure_ascii=False) + "\n" for vote in votes)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    query = f"tags.`{RUN_TAG}` = '{run.removeprefix('run/')}'"
    for found in client.search_runs(experiments, query):
        if found.data.metrics.get(f"votes_against_{against}/votes") == len(votes):
            continue
        run_id = found.info.run_id
        client.log_text(run_id, lines, f"votes/against_{against}.jsonl")
        for name in FIGURES:  # the last of them says that all is there
            client.log_metric(
                run_id, f"votes_against_{against}/{name}", figures[name], step=len(votes)
            )
