"""The check of a graphics card: a dry run of its parts, what ends them, the tables of cards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cards_table
import check_gpu
import pytest
import torch
from check_setup import Report, Setup

ROOT = Path(__file__).resolve().parent.parent
SLOW = {  # like others in a dry run, or tested as themselves elsewhere
    *("15 M float16", "15 M bfloat16", "15 M float32", "54 M", "250 M"),
    *("one process in DDP", "out of memory", "n-gram teacher", "kill and resume"),
}
BARE = """
import importlib.abc, importlib.metadata as metadata, re, sys
needed, names = ["torch", "numpy", "pydantic", "safetensors", "sentencepiece"], set()
while needed:
    name = re.sub("[-_.]+", "-", needed.pop()).lower()
    if name in names:
        continue
    names.add(name)
    try:
        requirements = metadata.requires(name) or ()
    except metadata.PackageNotFoundError:  # on other systems
        continue
    needed += [re.match(r"[\\w.-]+", line)[0] for line in requirements if "extra ==" not in line]
packages = {
    package
    for package, owners in metadata.packages_distributions().items()
    if not {re.sub("[-_.]+", "-", owner).lower() for owner in owners} & names
}
forbidden = packages - {"femtogpt"} | {"tasks", "flows"}
assert {"polars", "pyarrow", "prefect", "mlflow", "psutil", "yaml"} <= forbidden
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in forbidden:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
sys.path.insert(0, "benchmarks")
import check_gpu
sys.exit(check_gpu.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def setup(tmp_path_factory) -> Setup:
    return Setup(tmp_path_factory.mktemp("work"), is_dry=True)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name
        for name in check_gpu.PARTS
    ],
)
def test_a_part_passes_where_training_works(setup, name):
    with torch.compiler.set_stance("force_eager"):  # compiling takes long
        found = check_gpu.run_part(name, setup)
    assert found["checks"]
    assert [check for check in found["checks"] if not check["passed"]] == []


@pytest.mark.slow
def test_a_part_that_compiles_passes(tmp_path):
    found = check_gpu.run_part("15 M float32", Setup(tmp_path, is_dry=True))
    assert "it compiles" in [check["what"] for check in found["checks"] if check["passed"]]


def test_a_part_that_takes_too_long_is_ended_and_the_next_ones_go_on(tmp_path):
    parts = check_gpu.check(Setup(tmp_path, is_dry=True), ["generation", "evaluation"], 1.5)
    assert [part["state"] for part in parts.values()] == ["failed", "failed"]
    assert parts["generation"]["error"].startswith("not done after")
    assert parts["evaluation"]["error"] == "no time was left for it"


@pytest.mark.slow
def test_a_part_that_fails_says_why_and_the_next_ones_go_on(tmp_path, capfd):
    setup = Setup(tmp_path, is_dry=True)
    (shard,) = setup.tokens.shards("held_out")["made"]
    shard.path.unlink()
    parts = check_gpu.check(setup, ["evaluation", "generation"])
    assert [part["state"] for part in parts.values()] == ["failed", "failed"]
    for part in parts.values():
        assert f"{shard.path} should have" in part["error"]
    text = check_gpu.table({"machine": check_gpu.machine(True), "parts": parts})
    assert "0 of 2 parts passed" in text


@pytest.mark.slow
def test_it_needs_no_other_packages_than_trainings_do(tmp_path):
    """No network either, and no set-up: a folder with the project, and a Python with torch."""
    out = tmp_path / "found.json"
    done = subprocess.run(
        [sys.executable, "-c", BARE, "--dry", "--only", "evaluation", "--out", str(out)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(out.read_text("utf-8"))
    assert result["dry"] and result["parts"]["evaluation"]["state"] == "passed"
    assert "A dry run" in done.stdout and "1 of 1 parts passed" in done.stdout


def test_a_package_that_is_missing_is_named_with_what_to_do():
    hidden = "import sys; sys.modules['pydantic'] = None; sys.path.insert(0, 'benchmarks')"
    done = subprocess.run(
        [sys.executable, "-c", f"{hidden}; import check_gpu"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "has no pydantic: install torch, numpy, pydantic" in done.stderr


def test_a_figure_beyond_its_limit_or_no_number_fails(tmp_path):
    report = Report(tmp_path / "part.json")
    report.most("small", 0.1, 0.2)
    report.most("too large", 0.3, 0.2)
    report.least("too small", 0.1, 0.2)
    report.most("no number", float("nan"), 0.2)
    found = json.loads((tmp_path / "part.json").read_text("utf-8"))
    assert [check["passed"] for check in found["checks"]] == [True, False, False, False]
    assert not found["complete"], "it has been ended by its time limit"
    part = {**found, "state": "failed", "error": "not done after 9 s"}
    lines = check_gpu.table({"machine": check_gpu.machine(True), "parts": {"it": part}})
    assert "failed   it: not done after 9 s" in lines
    assert lines.count("FAILED") == 3 and "0.3 ≤ 0.2" in lines and "not finite ≤ 0.2" in lines


def result(card: str, **parts) -> dict:
    machine = {"card": card, "memory_gb": 8.4, "torch": "2.13.0"}
    return {"machine": machine, "dry": False, "parts": parts}


def test_the_tables_of_cards_have_speed_memory_and_what_failed():
    figures = {
        "format": "float16",
        "peak_tflops": 30.0,
        "compiled_tokens_per_second": 40123.4,
        "compiled_share_of_peak": 0.123,
        "not_compiled_tokens_per_second": 20000.0,
        "not_compiled_share_of_peak": 0.061,
        "not_compiled_memory_gb": 4.3,
        "memory_to_plan": 1.04,
    }
    parts = {
        "15 M float16": {"state": "passed", "figures": figures},
        "15 M bfloat16": {"state": "left out", "figures": {"left_out": "has none"}},
        "evaluation": {"state": "failed", "figures": {}},
    }
    lines = cards_table.tables([result("Some card", **parts)]).splitlines()
    assert "| Some card | 8.4 GB | 2.13.0 | 1 of 2 | evaluation |" in lines
    speeds = "| Some card | 15 M | float16 | 40,123 | 12% | 20,000 | 6% | 4.30 GB | 1.04 |"
    assert speeds in lines


def test_a_dry_run_is_no_card(tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps({**result("none"), "dry": True}), "utf-8")
    with pytest.raises(SystemExit, match=r"mine\.json is of a dry run"):
        cards_table.results(tmp_path)


def test_the_page_on_cards_has_the_tables_of_all_that_were_measured():
    text = cards_table.PAGE.read_text("utf-8")
    found = cards_table.results(ROOT / "docs/cards")
    assert cards_table.page(text, found) == text, "run: python benchmarks/cards_table.py"
    assert found or "No card has been measured yet" in text
    for name in check_gpu.PARTS:
        if not name[0].isdigit():
            assert f"| {name} |" in text
