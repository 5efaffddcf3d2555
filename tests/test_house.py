"""A pipeline whose folder was moved, whose runs were deleted, or whose names are unusual."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.moved_store import mend_addresses
from tests.pipelines import ROOT, SMALL, Pipeline

pytestmark = pytest.mark.slow
NAMES = ["it's 50%?#", "мой дом", 'a "b" $c']
LOCALES = {
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "KOI8-R": {"PYTHONIOENCODING": "koi8-r"},
    "ASCII": {"PYTHONIOENCODING": "ascii"},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory, with_server) -> Pipeline:
    """A pipeline that was run to its end."""
    pipeline = Pipeline(tmp_path_factory.mktemp("house") / "first", with_server)
    done = pipeline.run()
    assert done.returncode == 0, done.stderr
    return pipeline


def in_place(made: Pipeline, folder: Path, mended: bool = True, **environment: str) -> Pipeline:
    """The same pipeline in a copy of its folder."""
    shutil.copytree(made.folder, folder)
    if mended:
        mend_addresses(folder / "mlruns")
    return Pipeline(folder, {**made.environment, **environment})


def artifacts_of(pipeline: Pipeline) -> set[Path]:
    return {*pipeline.mlruns.glob("artifacts/*/artifacts/report/summary.txt")}


def succeed(pipeline: Pipeline, *overrides: str) -> str:
    done = pipeline.run(*overrides)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_a_moved_pipeline_goes_on_and_records_beside_its_database(made, tmp_path, name):
    pipeline = in_place(made, tmp_path / name, mended=False)
    before = artifacts_of(made)
    output = succeed(pipeline)
    assert "made in" not in output, "nothing is made again, nothing recorded again"
    assert "up to date" in output
    output = succeed(pipeline, "seed=1")
    assert output.count("the store was in") == 1
    assert len(artifacts_of(pipeline)) == 2 and artifacts_of(made) == before


def test_a_deleted_experiment_is_restored_and_recorded_in(made, tmp_path):
    pipeline = in_place(made, tmp_path / "house")
    client, run = pipeline.mlflow_run()
    client.delete_experiment(run.info.experiment_id)
    output = succeed(pipeline, "seed=1")
    (line,) = [line for line in output.splitlines() if "was deleted" in line]
    assert "«small»" in line and "restored" in line
    _, runs = pipeline.mlflow_runs()
    assert {found.info.status for found in runs} == {"FINISHED"} and len(runs) == 2


@pytest.mark.parametrize("gone", ["run", "run, by gc", "experiment, by gc"])
def test_a_deleted_run_is_recorded_anew(made, tmp_path, gone):
    pipeline = in_place(made, tmp_path / "house")
    client, run = pipeline.mlflow_run()
    if gone.startswith("run"):
        client.delete_run(run.info.run_id)
    else:
        client.delete_experiment(run.info.experiment_id)
    if gone.endswith("gc"):
        uri = f"sqlite:///{pipeline.mlruns / 'mlflow.db'}"
        command = [*(sys.executable, "-m", "mlflow", "gc"), "--backend-store-uri", uri]
        subprocess.run([*command, "--tracking-uri", uri], timeout=120, check=True)
    output = succeed(pipeline)
    assert "made in" not in output
    _, recorded = pipeline.mlflow_run()
    assert recorded.info.run_id != run.info.run_id and recorded.info.status == "FINISHED"
    assert recorded.data.metrics["evaluation/held_out_bits_per_character"]


@pytest.mark.parametrize("gone", ["run", "experiment"])
def test_what_is_deleted_while_it_trains_is_recorded_all_the_same(made, tmp_path, gone):
    pipeline = in_place(made, tmp_path / "house")
    process = pipeline.start("seed=2", "train.max_steps=400")
    pipeline.await_steps(20, process)
    client, runs = pipeline.mlflow_runs()
    (open_run,) = [run for run in runs if run.info.status == "RUNNING"]
    if gone == "run":
        client.delete_run(open_run.info.run_id)
    else:
        client.delete_experiment(open_run.info.experiment_id)
    output = process.communicate(timeout=240)[0]
    assert process.returncode == 0, output
    assert "was deleted" in output
    _, runs = pipeline.mlflow_runs()
    assert {run.info.status for run in runs} == {"FINISHED"} and len(runs) == 2


@pytest.mark.parametrize("name", LOCALES)
def test_a_run_is_whole_under_every_locale(made, tmp_path, name):
    pipeline = in_place(made, tmp_path / "мой дом", **LOCALES[name])
    done = subprocess.run(
        pipeline.command("seed=3", config=str(pipeline.config)),
        cwd=ROOT,
        env=pipeline.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert b"Next        make play" in done.stdout
    assert b"Traceback" not in done.stderr
    assert len(artifacts_of(pipeline)) == 2


@pytest.mark.parametrize("name", ["мои книги", "it's", "a.b", "50%?#", "-"])
def test_a_configuration_may_have_any_file_name(made, tmp_path, name):
    pipeline = in_place(made, tmp_path / "house")
    config = pipeline.folder / f"{name}.yaml"
    config.write_text(SMALL, "utf-8")
    done = pipeline.run(config=str(config))
    assert done.returncode == 0, done.stderr
    _, runs = pipeline.mlflow_runs()
    assert len(runs) == 2


def test_a_failing_sweep_prints_one_line_while_prefects_database_is_locked(tmp_path):
    environment = {
        **os.environ,
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_SERVER_DATABASE_TIMEOUT": "1",
    }
    (tmp_path / "bad.yaml").write_text(
        json.dumps({"sources": {"x": {"kind": "files", "path": "no"}}})
    )
    (tmp_path / "sweep.yaml").write_text(
        json.dumps({"config": str(tmp_path / "bad.yaml"), "settings": {"seed": [1, 2]}})
    )
    command = [sys.executable, "-m", "flows", "sweep", str(tmp_path / "sweep.yaml")]

    def ended() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240
        )

    first = ended()  # makes the database
    assert first.returncode == 1, first.stderr
    script = (
        "import sqlite3, sys, time\n"
        "time.sleep(4)\n"
        "database = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)\n"
        "database.execute('BEGIN EXCLUSIVE')\n"
        "time.sleep(20)"
    )
    database = str(tmp_path / "prefect/prefect.db")
    with subprocess.Popen([sys.executable, "-c", script, database]) as other:
        second = ended()
        other.kill()
    assert second.returncode == 1
    assert _said(second) == _said(first)
    waiting, trial, error = _said(second)
    assert "temporary server" in waiting and "trial 1" in trial and error.startswith("error: ")


def _said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines on the screen, without the time of day."""
    return [line.rpartition(" | ")[2] for line in done.stderr.splitlines()]
