"""The architecture: who may import whom."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BASE = (*("errors", "scaling", "config", "config_file", "storage", "progress", "parallel"),)
ROOMS = (
    *("artifacts", "sources", "corpus", "tokens", "model", "generation", "training"),
    *("evaluation", "sweep"),
)  # as data flows


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def tops(names: set[str]) -> set[str]:
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
        assert not tops(imports(file)) & never, file


def test_a_room_imports_only_from_those_before_it():
    for number, room in enumerate(ROOMS):
        for file in files(f"femtogpt/{room}"):
            used = {name.split(".")[1] for name in imports(file) if name.startswith("femtogpt.")}
            assert used <= {*BASE, *ROOMS[: number + 1]}, file
    for name in BASE:
        used = {top for top in imports(ROOT / f"femtogpt/{name}.py") if top.startswith("femtogpt.")}
        assert {top.split(".")[1] for top in used} <= set(BASE), name


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
