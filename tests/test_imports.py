"""Every module of the project imports, in whatever order."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("femtogpt", "tasks", "flows")
# A function in a package and a module of the same name overwrite each other, and which of them
# remains depends on what is imported first.
IMPORT = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
overwritten = []
for name in sys.argv[1:]:
    package, _, attribute = name.rpartition(".")
    if package and getattr(sys.modules[package], attribute) is not sys.modules[name]:
        overwritten.append(name)
sys.exit(f"overwritten: {overwritten}" if overwritten else 0)
"""


def modules() -> list[str]:
    """All modules and packages of the project, by name."""
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    names = [file.relative_to(ROOT).with_suffix("").parts for file in files]
    return sorted(".".join(name[:-1] if name[-1] == "__init__" else name) for name in names)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_modules_import_in_any_order_and_none_is_overwritten(seed):
    names = modules()
    assert {"femtogpt.config", "tasks.stages", "flows.pipeline"} <= {*names}
    random.Random(seed).shuffle(names)
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
