"""What a person gives make arrives whole, and .venv is made again where it has moved."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from femtogpt.config_file import split_overrides
from tests.pipelines import ROOT

RECORDER = """#!{python}
import json, sys
json.dump([sys.argv[0], *sys.argv[1:]], open({file!r}, "w", encoding="utf-8"))
"""


class Project:
    """A folder with the Makefile, and a .venv whose python only notes its arguments."""

    def __init__(self, folder: Path):
        self.folder, self.noted = folder, folder / "noted.json"
        self.home = folder.parent / "my home"
        (folder / ".venv/bin").mkdir(parents=True)
        for name in ("pyproject.toml", "constraints.txt", "Makefile"):
            shutil.copy(ROOT / name, folder)
        python = folder / ".venv/bin/python"
        # By env: a path with a space is no interpreter.
        script = RECORDER.format(python="/usr/bin/env python3", file=str(self.noted))
        python.write_text(script, encoding="utf-8")
        python.chmod(0o755)
        (folder / ".venv/.made").touch()
        self.note_place(folder)

    def note_place(self, location: Path, more: str = "") -> None:
        text = f"home = /usr/bin\n{more}command = /usr/bin/python3 -m venv {location}/.venv\n"
        (self.folder / ".venv/pyvenv.cfg").write_text(text, encoding="utf-8")

    def make(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", *words],
            cwd=self.folder,
            env={**os.environ, "HOME": str(self.home), "XDG_CACHE_HOME": ""},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def arguments(self, *words: str) -> list[str]:
        done = self.make(*words)
        assert done.returncode == 0, done.stderr
        self.program, *arguments = json.loads(self.noted.read_text("utf-8"))
        return arguments


ODD = ["house", "мой дом", "it's", "50%", "what?", "a#b", 'say "yes"', "a$b", "a;b&c", "(1)"]


@pytest.fixture(params=ODD)
def project(request, tmp_path) -> Project:
    return Project(tmp_path / request.param)


@pytest.mark.parametrize("name", [*ODD, "-", "a,b", "~", "*", "back\\slash", "`date`"])
def test_names_arrive_as_they_were_typed(tmp_path, name):
    arguments = Project(tmp_path).arguments(
        "pipeline", f"CONF=/x/{name}.yaml", f"ARCHIVE={name}.zip", f"SET=paths.data={name} seed=1"
    )
    assert arguments == [
        *("-m", "flows", "pipeline", f"/x/{name}.yaml"),
        *("--archive", f"{name}.zip", "--set-line", f"paths.data={name} seed=1"),
    ]


def test_a_sweep_has_a_default_of_its_own(tmp_path):
    project = Project(tmp_path)
    assert project.arguments("sweep") == ["-m", "flows", "sweep", "shape"]
    assert project.arguments("sweep", "CONF=my sweep.yaml")[3:] == ["my sweep.yaml"]
    assert project.arguments("pipeline", "AGAIN=train samples")[3:] == [
        *("sample", "--again", "train", "samples")
    ]


def test_a_time_and_a_law_arrive(tmp_path):
    project = Project(tmp_path)
    assert project.arguments("pipeline", "CONF=classics", "HOURS=2")[3:] == [
        *("classics", "--hours", "2")
    ]
    runs = "benchmarks/scaling_runs.py"
    assert project.arguments("law", "CONF=mine") == [runs, "--conf", "mine"]
    own = ["--out", "femtogpt/scaling_law.json"]
    assert project.arguments("law", "ARCHIVE=my texts.zip") == [runs, "my texts.zip", *own]


def test_a_port_for_the_playground_arrives(tmp_path):
    project = Project(tmp_path)
    assert project.arguments("play") == ["-m", "flows.play"]
    assert project.arguments("play", "PLAY_PORT=9000")[2:] == ["--port", "9000"]


def test_a_project_in_any_folder_has_its_programs_by_python(project):
    assert project.arguments("pipeline")[0] == "-m"
    assert "%" not in project.program, "MLflow cannot be started there"


@pytest.mark.parametrize(
    "target", ["sweep", "play", "up", "down", "deploy", "ui", "lint", "types", "test"]
)
def test_every_program_is_reached_where_a_path_has_a_percent_sign(tmp_path, target):
    project = Project(tmp_path / "50%")
    assert project.arguments(target)[0] == "-m"
    assert "%" not in project.program


def test_a_card_is_checked_without_set_up(tmp_path):
    project = Project(tmp_path)
    assert project.arguments("check-gpu") == ["benchmarks/check_gpu.py"]
    assert project.arguments("check-gpu", "CARD=my card")[1:] == [
        "--out",
        "docs/cards/my card.json",
    ]
    (tmp_path / ".venv/.made").unlink()
    planned = project.make("-n", "check-gpu", "PYTHON=python3.12").stdout
    assert '"python3.12" benchmarks/check_gpu.py' in planned


@pytest.mark.parametrize("location", ["/elsewhere", "/tmp/the house", "/"])
def test_a_moved_environment_is_made_again(project, location):
    project.note_place(Path(location))
    planned = project.make("-n", "pipeline").stdout
    assert "venv --clear .venv" in planned and "has moved" in planned
    assert (project.folder / ".venv/.made").exists(), "it was only a plan"


def test_an_environment_in_its_place_stays(project):
    assert "venv" not in project.make("-n", "setup").stdout.replace("directory", "")


def test_an_environment_that_notes_no_place_stays(tmp_path):
    project = Project(tmp_path)
    (tmp_path / ".venv/pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.9\n", "utf-8")
    assert "--clear" not in project.make("-n", "setup").stdout


def test_an_environment_of_another_folder_by_a_link_stays(tmp_path):
    (tmp_path / "one").mkdir()
    real = Project(tmp_path / "real")
    shutil.copy(ROOT / "Makefile", tmp_path / "one")
    os.symlink(real.folder / ".venv", tmp_path / "one/.venv")
    planned = subprocess.run(
        ["make", "-n", "setup"], cwd=tmp_path / "one", capture_output=True, text=True, timeout=60
    )
    assert "--clear" not in planned.stdout


@pytest.mark.slow
def test_a_real_environment_notes_its_place(tmp_path):
    project = Project(tmp_path / "мой дом")
    shutil.rmtree(project.folder / ".venv")
    command = [sys.executable, "-m", "venv", "--without-pip", ".venv"]
    subprocess.run(command, cwd=project.folder, timeout=120, check=True)
    (project.folder / ".venv/.made").touch()
    assert "--clear" not in project.make("-n", "setup").stdout
    shutil.move(project.folder, tmp_path / "new")
    project.folder = tmp_path / "new"
    assert "--clear" in project.make("-n", "setup").stdout


@pytest.mark.parametrize(
    ("line", "overrides"),
    [
        ("", []),
        ("seed=1", ["seed=1"]),
        ("  train.max_steps=200   seed=1 ", ["train.max_steps=200", "seed=1"]),
        ("paths.data=/my disk/x seed=1", ["paths.data=/my disk/x", "seed=1"]),
        ("paths.data=it's here seed=1", ["paths.data=it's here", "seed=1"]),
        (
            'samples.prompts=["Жил да был", "Она: x=1 y=2"] seed=1',
            ['samples.prompts=["Жил да был", "Она: x=1 y=2"]', "seed=1"],
        ),
        (
            "sources={a: {kind: files, path: b c}} seed=1",
            ["sources={a: {kind: files, path: b c}}", "seed=1"],
        ),
        ("a='x b=1' c=2", ["a='x b=1'", "c=2"]),
        ('a="x \\" b=1" c=2', ['a="x \\" b=1"', "c=2"]),
        ("sources.мои.path=книги и письма seed=1", ["sources.мои.path=книги и письма", "seed=1"]),
        ("address=http://x/?a=1 seed=1", ["address=http://x/?a=1", "seed=1"]),
        ("word seed=1", ["word", "seed=1"]),
    ],
)
def test_a_line_of_overrides_is_split_where_one_begins(line, overrides):
    assert split_overrides(line) == overrides
