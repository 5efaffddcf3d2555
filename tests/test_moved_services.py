"""The services after the project's folder was moved, renamed or copied while they ran."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from flows import service_notes
from tests.local_services import LocalServices
from tests.pipelines import ROOT, SMALL, Pipeline

ODD = "мой дом's 50%?#"  # everything that a URL, a shell and a command line take for their own


@pytest.fixture
def sleeper():
    """A process that stands for a service."""
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(command) as process:
        while not psutil.Process(process.pid).cmdline()[1:]:
            time.sleep(0.01)
        yield psutil.Process(process.pid)
        process.kill()


def note(folder: Path, process: psutil.Process, **more: object) -> None:
    """Write the note of a service into a folder."""
    path = service_notes.note_path("mlflow", folder)
    path.parent.mkdir(parents=True)
    about = {"pid": process.pid, "command": process.cmdline(), "port": 1, "where": "http://x"}
    path.write_text(json.dumps({**about, **more}), "utf-8")


def seen_from(home: Path, monkeypatch) -> tuple[bool, bool]:
    """Whether the service runs, and whether it was left behind, for the project in a folder."""
    monkeypatch.setattr(service_notes, "HOME", home)
    found = service_notes.running_process("mlflow"), service_notes.left_behind("mlflow")
    return found[0] is not None, found[1] is not None


def test_a_service_runs_where_it_was_started(tmp_path, sleeper, monkeypatch):
    note(tmp_path / "a", sleeper, home=str(tmp_path / "a"))
    assert seen_from(tmp_path / "a", monkeypatch) == (True, False)


def test_a_note_of_an_earlier_version_is_of_its_own_place(tmp_path, sleeper, monkeypatch):
    note(tmp_path / "a", sleeper)
    assert seen_from(tmp_path / "a", monkeypatch) == (True, False)


@pytest.mark.parametrize("name", ["b", "мой дом", "b/c"])
def test_a_service_is_left_behind_by_a_folder_that_moves(tmp_path, sleeper, monkeypatch, name):
    note(tmp_path / "a", sleeper, home=str(tmp_path / "a"))
    (tmp_path / name).parent.mkdir(exist_ok=True)
    shutil.move(tmp_path / "a", tmp_path / name)
    assert seen_from(tmp_path / name, monkeypatch) == (False, True)


def test_a_copy_leaves_the_services_of_the_other_alone(tmp_path, sleeper, monkeypatch):
    note(tmp_path / "a", sleeper, home=str(tmp_path / "a"))
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert seen_from(tmp_path / "b", monkeypatch) == (False, False)
    assert seen_from(tmp_path / "a", monkeypatch) == (True, False)


def test_another_process_of_that_id_is_none_of_ours(tmp_path, sleeper, monkeypatch):
    note(tmp_path / "a", sleeper, home=str(tmp_path / "gone"), command=["other"])
    assert seen_from(tmp_path / "a", monkeypatch) == (False, False)


class MovingProject(LocalServices):
    """The project itself in a folder, with its services' data inside, which can be moved."""

    def __init__(self, root: Path):
        for name in ("femtogpt", "tasks", "flows", "conf"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, root / name, ignore=ignored)
        shutil.copy(ROOT / "prefect.yaml", root)
        super().__init__(root, {**os.environ}, root)
        self._settle(root)

    def move(self, root: Path) -> None:
        shutil.move(self.root, root)
        self._settle(root)

    def _settle(self, root: Path) -> None:
        self.root = self.folder = root
        self.environment["PREFECT_HOME"] = str(root / "prefect")
        self.environment["PYTHONPATH"] = str(root)


@pytest.mark.slow
def test_services_and_deployments_go_on_where_the_project_was_moved_to(tmp_path):
    project = MovingProject(tmp_path / ODD)
    try:
        with project.running():
            first = {name: project.process(name) for name in ("prefect", "worker", "mlflow")}
            _complete(project, "before")
            project.move(tmp_path / "new")
            started = project.make("up")
            assert started.returncode == 0, started.stderr
            assert started.stdout.count("ended: it was started in") == 3
            assert not any(process.is_running() for process in first.values())
            _complete(project, "after")
            deployment = project.request("deployments/name/pipeline/sample")
            assert str(tmp_path) not in json.dumps([deployment])
    finally:
        project.make("down")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    databases = {path.relative_to(tmp_path / "new").as_posix() for path in tmp_path.rglob("*.db")}
    assert databases == {
        *("prefect/prefect.db", "mlruns/mlflow.db"),
        *("before/mlruns/mlflow.db", "after/mlruns/mlflow.db"),
    }


def _complete(project: MovingProject, name: str) -> None:
    """Have the worker run a small pipeline to its end."""
    run = project.start(Pipeline(project.root / name, project.environment, SMALL))
    ended = project.await_state(run, "COMPLETED", "FAILED", "CRASHED", seconds=240)
    assert ended["type"] == "COMPLETED", ended
