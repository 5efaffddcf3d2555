"""A few tries of ``make test-faults``, and one of each of two products that have a fault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from tests.faults import __main__ as suite
from tests.faults.outcomes import KEYS, Try, failures, table

ROOT = Path(__file__).resolve().parent.parent
# The second try of damages is of a store that takes any file for whole.
PROGRAM = """
import sys
from itertools import islice
from unittest import mock
from tests.faults import __main__ as suite, damages

def tries(seed, folder, real=damages.tries):
    sound = real(seed, folder)
    yield from islice(sound, 1)
    with mock.patch("femtogpt.artifacts.store.fault_of", lambda path: None):
        yield from islice(sound, 1)

damages.tries = tries
sys.exit(suite.main(["kills", "damages", *sys.argv[1:]]))
"""

# The second try of inputs is of a product that passes over files that have the same name.
READING = """
import sys
from itertools import islice
from unittest import mock
from tests.faults import __main__ as suite, inputs

def tries(seed, folder, real=inputs.tries):
    yield from islice(real(seed, folder), 1)
    with mock.patch("femtogpt.sources.archives._replaced", lambda names: ()):
        yield from islice(real(seed, folder), 1)

inputs.tries = tries
sys.exit(suite.main(["inputs", "network", *sys.argv[1:]]))
"""


def run(program: str, seed: int, folder: Path) -> tuple[subprocess.CompletedProcess, dict]:
    """Run two tries of each part, some of which fail; what was written of them."""
    out = folder / "faults.json"
    done = subprocess.run(
        [sys.executable, "-c", program, "--seed", str(seed), "--tries", "2", "--out", str(out)],
        cwd=ROOT,
        env={**os.environ, **suite.FEW},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 1, done.stderr
    return done, json.loads(out.read_text("utf-8"))


def test_a_few_tries_hold_and_a_store_that_takes_damage_for_whole_is_found_out(tmp_path):
    done, written = run(PROGRAM, 1, tmp_path)
    assert [written[key] for key in KEYS] == [2, 0, 2, 0, 0, 0]
    (failure,) = written["failures"]
    assert failure.startswith("damages, tokenizer, flipped: tokenizer/")
    assert failure.endswith("again: python -m tests.faults damages --seed 2 --tries 1")
    assert failure in done.stdout


def test_inputs_and_networks_hold_and_a_product_that_is_silent_of_a_file_is_found_out(tmp_path):
    _, written = run(READING, 36, tmp_path)
    assert [written[key] for key in KEYS] == [0, 0, 0, 2, 2, 0]
    (failure,) = written["failures"]
    assert failure.startswith("inputs, archive with a name twice: names twice in ")
    assert "nothing is told" in failure


def test_the_table_has_a_line_for_each_row_and_the_sum():
    tries = [
        Try("kills", "run", "a", 1, 2.0),
        Try("kills", "run", "b", 2, 2.0, "it is gone"),
        Try("disk", "run", "c", 3, 2.0),
    ]
    lines = [line.split() for line in table(tries).splitlines()[1:]]
    assert lines == [
        ["kills", "run", "2", "1"],
        ["disk", "run", "1", "0"],
        ["all", "in", "6", "s", "3", "1"],
    ]
    (line,) = failures(tries)
    assert (
        line == "kills, run: b: it is gone; again: python -m tests.faults kills --seed 2 --tries 1"
    )


def test_what_there_was_no_time_for_is_told_and_not_counted(tmp_path, monkeypatch, capsys):
    def tries(seed, folder):
        while True:
            yield Try("kills", "run", "a", seed, 1.0)

    kills = SimpleNamespace(FULL=5, tries=tries)
    monkeypatch.setitem(sys.modules, "tests.faults.kills", kills)
    out = tmp_path / "faults.json"
    assert suite.main(["kills", "--minutes", "0", "--out", str(out)]) == 0
    assert "kills: 4 of 5 not tried, time was up" in capsys.readouterr().out
    assert json.loads(out.read_text()) == {**dict.fromkeys(KEYS, 0), "kills": 1, "failures": []}
