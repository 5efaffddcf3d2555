"""MLflow's copy of a model: checked whenever it is loaded, and written again by the pipeline."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from femtogpt.artifacts.artifact import MANIFEST
from femtogpt.cli import main
from femtogpt.errors import Damaged, UserError
from flows import serve
from tests.pipelines import ROOT
from tests.test_damage_found import flip
from tests.test_registry import GOOD, Runs, outside, runs

__all__ = ["runs"]  # the fixture
NAME = "copied"
BEST = f"models:/femtogpt-{NAME}@best"
# What an older build wrote beside the weights; it wrote no manifest.
OLDER = """
from pathlib import Path
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel
from femtogpt.generation.writer import Writer
class ServedModel(PythonModel):
    def load_context(self, context):
        self.writer = Writer.load(Path(__file__).parent, "float32")
    def predict(self, context, model_input, params=None):
        return ["an older one"] * len(model_input)
set_model(ServedModel())
"""


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-3])


@pytest.fixture
def copy(runs: Runs, monkeypatch) -> Path:
    """What MLflow has of a run, whole."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", runs.uri)
    record = runs.record(NAME, 1, GOOD)
    return runs.mlruns / "artifacts" / record["run_id"] / "artifacts/run"


FILES = ("model.safetensors", "settings.json", "tokenizer.model", "MLmodel", "femtogpt.zip")


@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink])
@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_damaged_copy_is_refused_in_one_line_and_the_pipeline_mends_it(
    runs, copy, capsys, caplog, name, damage: Callable[[Path], object]
):
    before = (copy / name).read_bytes()
    damage(copy / name)
    with pytest.raises(UserError) as refused:
        serve.load(BEST)
    line = str(refused.value)
    assert "\n" not in line and "make pipeline" in line
    assert f"({name} " in line or (name == MANIFEST and "is missing" in line)
    by_mlflow = Exception if name == "MLmodel" else Damaged  # which reads that one itself
    with pytest.raises(by_mlflow):
        runs.load(BEST)
    if name != MANIFEST and not (name == "settings.json" and damage is Path.unlink):
        assert main(["generate", "--run", str(copy), "--tokens", "3"]) == 1
        assert capsys.readouterr().err == f"error: {line}\n"

    caplog.clear()
    runs.record(NAME, 1, GOOD)
    assert any(name in words and "again" in words for words in caplog.messages)
    assert (copy / name).read_bytes() == before or name in ("MLmodel", MANIFEST)
    serve.load(BEST)


def test_a_whole_copy_is_sent_once_and_writes_in_a_folder_of_any_name(runs, copy, caplog, tmp_path):
    caplog.set_level(logging.INFO, "femtogpt.tracking")
    runs.record(NAME, 1, GOOD)
    assert [words for words in caplog.messages if "up to date" in words] == caplog.messages
    (odd := tmp_path / "моя # копия 100?").mkdir()
    moved = copy.rename(odd / "run")
    try:
        model = serve.load(str(moved))
    finally:
        moved.rename(copy)
    assert model.predict([{"prompt": "мама"}], {"seed": 5})["text"][0]


def test_a_copy_of_an_older_build_is_loaded_and_it_is_told_that_it_cannot_be_checked(
    runs, copy, caplog
):
    (copy / MANIFEST).unlink()
    (copy / "served_model.py").write_text(OLDER)
    assert serve.load(BEST).predict([{"prompt": "мама"}])
    (line,) = [words for words in caplog.messages if MANIFEST in words]
    assert "whether it is damaged cannot be checked" in line and "\n" not in line
    runs.record(NAME, 1, GOOD)  # gives it one
    assert (copy / MANIFEST).exists()
    caplog.clear()
    serve.load(BEST)
    assert not [words for words in caplog.messages if MANIFEST in words]


@pytest.mark.slow
def test_a_server_does_not_start_with_a_damaged_model(runs, copy, tmp_path):
    flip(copy / "model.safetensors")
    environment = {**outside(runs, tmp_path)["env"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "flows.serve", NAME, "--mlruns", str(runs.mlruns)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    runs.record(NAME, 1, GOOD)
    assert done.returncode == 1 and not done.stdout
    *_, last = done.stderr.splitlines()
    assert last.startswith(f"error: {copy} is damaged (model.safetensors does not match")
