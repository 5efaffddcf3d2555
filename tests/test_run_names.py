"""Runs of one configuration: a person tells them apart, and names the one that they mean."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from femtogpt.artifacts.file_lock import FileLock
from femtogpt.artifacts.store import LOCKS, Store
from femtogpt.cli import main
from femtogpt.config_origin import ConfigOrigin
from tests.playgrounds import Models, serving
from tests.tiny import settings


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Models:
    return Models(tmp_path_factory.mktemp("names") / "data")


@pytest.fixture(scope="module")
def alike(models) -> list[Path]:
    """Three runs, the names of the last two alike at first, and the last with another setting."""
    changes = "seed=3", f"train.init_from={'а' * 60}"
    runs = [models.data / models.make(seed) for seed in (1, 2)]
    changed = models.store.config.read_from(ConfigOrigin(changes=changes))
    models.store = Store(models.data, config=changed)
    runs.append(models.data / models.make(3))
    names = ["0123456789abcdef", "abcdef7000000000", "abcdef7100000000"]
    return [run.rename(run.with_name(name)) for run, name in zip(runs, names, strict=True)]


@pytest.fixture
def said(models, capsys):
    """What a command prints about this data folder."""

    def run(*words: str, status: int = 0) -> str:
        assert main([*words, "--data", str(models.data)]) == status
        captured = capsys.readouterr()
        return captured.err if status else captured.out

    return run


def test_each_row_begins_with_a_name_that_run_takes(alike, said):
    rows = said("runs").splitlines()[1:]
    names = [row.split()[0] for row in rows]
    assert names == ["012345", "abcdef70", "abcdef71"]
    assert all(re.search(r" 20\d\d-\d\d-\d\d \d\d:\d\d  tiny ", row) for row in rows)
    assert "  tiny seed=3 …  " in rows[2], "what was changed, and no more than fits"
    for name, run in zip(names, alike, strict=True):
        told = json.loads(said("generate", "--run", name, "--tokens", "1", "--json"))
        assert told["run"] == str(run)


def test_a_name_that_fits_several_runs_lists_them(alike, said):
    error = said("generate", "--run", "abc", status=1)
    assert re.search(r"give one of abcdef70 \(tiny, 20.+\), abcdef71 \(tiny, 20.+\)\n$", error)


def test_a_run_in_training_has_not_ended_and_is_waited_for(models, alike, said):
    half = models.data / "run" / ".bbbbbbbbbbbbbbbb.partial"
    half.mkdir()
    (half / "settings.json").write_text(settings().model_dump_json())
    with FileLock(models.data / LOCKS / "run-bbbbbbbbbbbbbbbb"):
        (row,) = [row for row in said("runs").splitlines() if row.startswith("bbbbbb")]
        error = said("generate", "--run", "bb", status=1)
    assert row.split()[1] == "—" and row.endswith("training now, step 0 of 20")
    assert "bbbbbb is training now, step 0 of 20: wait for its end" in error
    assert "make pipeline goes on with it" in said("generate", "--run", "bb", status=1)
    shutil.rmtree(half)


def test_an_evaluation_names_runs_with_their_configurations(alike, said, tmp_path):
    (tmp_path / "own.txt").write_text("мама мыла раму", "utf-8")
    page = said("evaluate", str(tmp_path / "own.txt"), "--run", "abcdef70", "--run", "0123")
    assert [row.split()[-2:] for row in page.splitlines() if re.match("[AB]  ", row)] == [
        ["run/abcdef7000000000", "tiny"],
        ["run/0123456789abcdef", "tiny"],
    ]


def test_the_playground_has_the_same_names(models, alike):
    with serving(models.data) as (page, _):
        listed = json.loads(page.get("/api/runs")[2])
    assert [run["short"] for run in listed] == ["abcdef71", "abcdef70", "012345"]
