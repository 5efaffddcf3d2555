"""The architecture: who may import whom."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests import architecture
from tests.architecture import BASE_MODULES as BASE
from tests.architecture import imported_names

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (
    *("artifacts", "sources", "corpus", "tokens", "ngram", "model", "generation", "training"),
    *("memorisation", "evaluation", "report", "export", "sweep", "playground"),
    *("pipeline_stages", "commands"),
)  # as data flows


def tops(names: frozenset[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize(
    ("folder", "never"),
    [
        ("femtogpt", {"prefect", "mlflow", "tasks", "flows"}),
        ("tasks", {"flows"}),
        ("flows", {"torch", "polars"}),
    ],
)
def test_a_layer_never_imports_what_lies_above_it(folder, never):
    for file in files(folder):
        assert not tops(imported_names(file)) & never, file


def rooms_imported_by(file: Path) -> set[str]:
    """The rooms and modules of femtogpt/ that a file imports from, besides the version."""
    names = (name.split(".") for name in imported_names(file) if name.startswith("femtogpt."))
    return {parts[1] for parts in names} - {"__version__"}


def test_a_room_imports_only_from_those_before_it():
    for number, room in enumerate(ROOMS):
        for file in (*files(f"femtogpt/{room}"), *(ROOT / "femtogpt").glob(f"{room}.py")):
            assert rooms_imported_by(file) <= {*BASE, *ROOMS[: number + 1]}, file
    for name in BASE:
        assert rooms_imported_by(ROOT / f"femtogpt/{name}.py") <= set(BASE), name


def test_the_diagram_of_the_architecture_is_that_of_the_imports():
    page = architecture.PAGE.read_text(encoding="utf-8")
    assert architecture.drawn(page) == architecture.drawing(), "run: make architecture"


def test_the_page_on_the_architecture_describes_every_room():
    page = architecture.PAGE.read_text(encoding="utf-8")
    assert set(architecture.rooms()) <= set(ROOMS)
    for room in architecture.rooms():
        assert f"| `{room}/` |" in page
    for module in architecture.own_modules():
        assert f"`femtogpt/{module}.py`" in page


def test_no_room_imports_itself_by_way_of_others():
    with pytest.raises(ValueError, match="a imports itself"):
        architecture.floors({"a": {"b"}, "b": {"a"}})
    assert architecture.floors(architecture.import_graph())[0] == [architecture.BASE]


def test_the_diagram_leaves_out_arrows_that_follow_from_others():
    graph = {"c": {"a", "b"}, "b": {"a"}, "a": set()}
    assert architecture.reduced(graph) == {"c": {"b"}, "b": {"a"}, "a": set()}


def test_training_imports_on_a_bare_machine():
    code = """
import importlib.abc, sys
class Bare(importlib.abc.MetaPathFinder):
    forbidden = {"yaml", "polars", "pyarrow", "prefect", "mlflow", "kaggle", "rich",
                 "matplotlib", "charset_normalizer", "pandas"}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.forbidden:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Bare())
import femtogpt.training.loop, femtogpt.training.__main__, femtogpt.generation.samples
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_a_file_name_is_found_once_in_the_code():
    names = Counter(
        file.name
        for folder in ("femtogpt", "tasks", "flows")
        for file in files(folder)
        if file.name not in ("__init__.py", "__main__.py")
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_no_python_file_is_longer_than_450_lines():
    for folder in ("femtogpt", "tasks", "flows", "tests", "benchmarks"):
        for file in files(folder):
            assert len(file.read_text(encoding="utf-8").splitlines()) <= 450, file
