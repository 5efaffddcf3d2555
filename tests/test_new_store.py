"""MLflow's database is made whole or not at all, whoever makes it and whatever ends them."""

from __future__ import annotations

import os
import signal
import time

import pytest
from mlflow import MlflowClient
from mlflow.store.tracking import sqlalchemy_store  # noqa: F401  is not imported by each child

from femtogpt.sqlite_url import sqlite_url
from tasks.moved_store import DATABASE
from tasks.new_store import create_database
from tests.faults.forked import begin


def works(folder) -> bool:
    """Whether the store in a folder takes an experiment, and nothing is left beside it."""
    client = MlflowClient(sqlite_url(folder / DATABASE))
    found = client.get_experiment(client.create_experiment("first"))
    return found.name == "first" and not list(folder.glob(f".{DATABASE}.partial*"))


def test_several_processes_at_once_make_one(tmp_path):
    ends = [begin(lambda: create_database(tmp_path), tmp_path) for _ in range(5)]
    assert [end().status for end in ends] == [0] * 5
    assert works(tmp_path)


@pytest.mark.parametrize(
    "seconds", [0.3, *(pytest.param(other, marks=pytest.mark.slow) for other in (0, 0.8))]
)
def test_one_that_is_killed_leaves_nothing_in_the_way(tmp_path, seconds):
    pid = os.fork()
    if pid == 0:
        try:
            create_database(tmp_path)
        finally:
            os._exit(0)
    end = time.monotonic() + 60
    while not list(tmp_path.glob(f".{DATABASE}.partial*")) and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) and not (tmp_path / DATABASE).exists()
    create_database(tmp_path)
    assert works(tmp_path)


def test_one_that_is_there_stays(tmp_path):
    create_database(tmp_path)
    before = (tmp_path / DATABASE).stat()
    create_database(tmp_path)
    after = (tmp_path / DATABASE).stat()
    assert (after.st_ino, after.st_mtime) == (before.st_ino, before.st_mtime)
