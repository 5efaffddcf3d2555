"""A few tries of ``make test-faults``, and one of a store that takes damaged files for whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from tests.faults import __main__ as suite
from tests.faults import at_once, full_disk, kills, network
from tests.faults.chain import STAGES
from tests.faults.faulty_kaggle import Fault
from tests.faults.forked import Forked
from tests.faults.outcomes import KEYS, NotTried, Try, Untried, failures, table, write
from tests.faults.worker import End, Span

PARTS = ("kills", "disk", "damages", "network", "together")
ROOT = Path(__file__).resolve().parent.parent
# One process, since what it imports takes longest. The second try of inputs is of a product that
# passes over files that have the same name. The other parts have the same unbroken run, on a small
# disk where one can be had; the store of the damaged file takes any file for whole.
PROGRAM = """
import sys
from contextlib import ExitStack, nullcontext
from itertools import islice
from pathlib import Path
from unittest import mock
from tests.faults import __main__ as suite, at_once, damages, full_disk, inputs, kills, shown
from tests.faults.outcomes import NotTried
from tests.faults.worker import Worker

def deaf(seed, folder, real=inputs.tries):
    yield from islice(real(seed, folder), 1)
    with mock.patch("femtogpt.sources.archives._replaced", lambda names, distinct: ()):
        yield from islice(real(seed, folder), 1)

def blind(seed, folder, real=damages.tries):
    with mock.patch("femtogpt.artifacts.store.fault_of", lambda path: None):
        yield from real(seed, folder)

inputs.tries, damages.tries = deaf, blind
shown.COMMANDS = {name: shown.COMMANDS[name] for name in ("generate", "runs")}
folder = Path(sys.argv[1])
READING = ["inputs", "--seed", "36", "--tries", "2"]
OTHERS = ["kills", "disk", "damages", "network", "together", "--seed", "2", "--tries", "1"]
statuses = [suite.main([*READING, "--out", str(folder / "reading.json")])]
with ExitStack() as stack:
    try:
        worker = stack.enter_context(full_disk.worker_on_disk(folder / "all", full_disk.SPARE))
        full_disk.worker_on_disk = lambda *arguments: nullcontext(worker)
    except NotTried:
        worker = Worker(folder / "chain", "train.keep_checkpoints=3")
    for part in (at_once, damages, kills):
        part.Worker = lambda *arguments: worker
    statuses.append(suite.main([*OTHERS, "--out", str(folder / "others.json")]))
sys.exit(statuses != [1, 1])
"""
# A try that waits, on a disk of its own and for a process of its own.
WAITING = """
import subprocess, sys, time
from pathlib import Path
from tests.faults.__main__ import end_on_signals
from tests.faults.mounts import small_disk
from tests.faults.outcomes import NotTried
end_on_signals()
try:
    with small_disk(Path(sys.argv[1]), 1 << 20):
        print(subprocess.Popen(["sleep", "60"]).pid, flush=True)
        time.sleep(60)
except NotTried as reason:
    print(reason, flush=True)
"""


@pytest.fixture(scope="module")
def tried(tmp_path_factory) -> tuple[str, dict[str, dict]]:
    """What a program says that makes tries, of which some fail; what it wrote, by file."""
    folder = tmp_path_factory.mktemp("tried")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        cwd=ROOT,
        env={**os.environ, **suite.FEW},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, {file.stem: json.loads(file.read_bytes()) for file in folder.glob("*.json")}


@pytest.mark.slow
def test_a_try_of_each_part_and_a_store_that_takes_damage_for_whole_is_found_out(tried):
    said, written = tried[0], tried[1]["others"]
    counts = {key: written[key] for key in PARTS}
    if not counts["disk"]:
        assert "disk: 1 not tried, no disk can be mounted here" in said
        assert written["untried"]["disk"]["tries"] == 1
    assert {**counts, "disk": 1} == dict.fromkeys(PARTS, 1)
    (failure,) = written["failures"]
    assert failure.startswith("damages, tokenizer, flipped: tokenizer/")
    assert failure.endswith("again: python -m tests.faults damages --seed 2 --tries 1")
    assert failure in said


@pytest.mark.slow
def test_inputs_hold_and_a_product_that_is_silent_of_a_file_is_found_out(tried):
    written = tried[1]["reading"]
    assert [written[key] for key in KEYS] == [0, 0, 0, 2, 0, 0]
    (failure,) = written["failures"]
    assert failure.startswith("inputs, archive with a name twice: names twice in ")
    assert "nothing is told" in failure


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_leaves_no_disk_mounted_and_no_process(tmp_path, number):
    disk = tmp_path / "disk"
    command = [sys.executable, "-c", WAITING, str(disk)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as suite:
        if not (pid := suite.stdout.readline().strip()).isdigit():
            pytest.skip(pid)
        assert disk.is_mount()
        suite.send_signal(number)
        assert suite.wait(timeout=30) == 128 + number
    assert not disk.is_mount() and not psutil.pid_exists(int(pid))


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
    (*same, last) = table(tries, [Untried("disk", 5, "no disk", True)]).splitlines()
    assert same == table(tries).splitlines() and last.split() == ["disk", "not", "tried", "5"]


@pytest.mark.parametrize(
    ("minutes", "why", "status"), [("0", "time was up", 1), ("9", "no disk can be mounted here", 0)]
)
def test_what_was_not_tried_is_told_and_passes_only_where_the_machine_cannot(
    tmp_path, monkeypatch, capsys, minutes, why, status
):
    def tries(seed, folder):
        yield Try("kills", "run", "a", seed, 1.0)
        raise NotTried(why)

    kills = SimpleNamespace(FULL=5, tries=tries)
    monkeypatch.setitem(sys.modules, "tests.faults.kills", kills)
    out = tmp_path / "faults.json"
    assert suite.main(["kills", "--minutes", minutes, "--out", str(out)]) == status
    assert f"kills: 4 not tried, {why}" in capsys.readouterr().out
    written = {"kills": 1, "failures": [], "untried": {"kills": {"tries": 4, "why": why}}}
    assert json.loads(out.read_text()) == {**dict.fromkeys(KEYS, 0), **written}


def test_a_whole_suite_leaves_nothing_untried(tmp_path, monkeypatch):
    def tries(seed, folder):
        yield Try("kills", "run", "a", seed, 1.0)

    monkeypatch.setitem(sys.modules, "tests.faults.kills", SimpleNamespace(FULL=1, tries=tries))
    out = tmp_path / "faults.json"
    assert suite.main(["kills", "--minutes", "0", "--out", str(out)]) == 0
    assert json.loads(out.read_text())["untried"] == {}


def test_a_kill_that_came_too_late_is_no_try(tmp_path):
    tries = [Try("kills", "run", "a", 1, 2.0, hits=hits) for hits in (1, 2, 0)]
    assert table(tries).splitlines()[-1].split()[-1] == "2", "of three"
    write(tries, [], tmp_path / "faults.json")
    assert json.loads((tmp_path / "faults.json").read_text())["kills"] == 2


def test_a_kill_that_comes_too_late_is_drawn_again(monkeypatch):
    ends = [
        End(0, "report", "", False),
        End(0, "report", "", False),
        End(-9, "raw", "", False),
        End(0, "report", "", False),
    ]
    spans = dict.fromkeys(STAGES, Span(1.0, 10))
    worker = SimpleNamespace(spans=spans, before=str, run=lambda strike: ends.pop(0))
    monkeypatch.setattr(kills, "finished", lambda worker: None)
    monkeypatch.setattr(kills, "SHARE_TWICE", 0.0)
    one = kills.one_try(worker, 13 * 3)
    assert (one.hits, one.failure, len(ends)) == (1, None, 1)


def test_each_pair_of_a_stage_and_a_way_has_a_try_and_a_checkpoint_has_three():
    for seed in range(0, 3 * full_disk.EVERY * len(STAGES), 7):
        numbers = range(seed, seed + full_disk.FULL)
        turns = Counter(
            full_disk.turn(n) for n in numbers if n % full_disk.EVERY != full_disk.COMMAND_TURN
        )
        assert turns.keys() >= {(stage, way) for stage in STAGES for way in full_disk.WAYS}
        assert turns["run", full_disk.CHECKPOINT] >= 3


@pytest.mark.parametrize(
    ("ends", "failure"),
    [
        ([(0, ""), (0, "")], None),
        ([(0, "a/run: another training is there"), (0, "")], None),
        ([(0, ""), (-9, None)], "a training died or hung: status -9"),
        ([(1, None), (0, "")], "a training died or hung: status 1"),
        ([(0, "a/run: no\nmore"), (0, "")], "a training was refused, and not in one line"),
        ([(0, "no"), (0, "")], "a training was refused, and not in one line"),
        ([(0, "a/run: no"), (0, "a/run: no")], "all were refused: a/run: no"),
    ],
)
def test_of_trainings_in_one_folder_one_ends_well_and_none_dies(ends, failure):
    told = at_once._unequal([Forked(said, status, 0, 0.0) for status, said in ends], Path("a/run"))
    assert told == failure if failure is None else told.startswith(failure)


GONE, BUSY = Fault("file", "status", 404), Fault("download", "status", 429, wait=7)
CUT, AGAIN = Fault("file", "cut", 500), Fault("download", "status", 500)


@pytest.mark.parametrize(
    ("met", "asked", "failure"),
    [
        ([[GONE]], [], None),
        ([[CUT] * 6, [BUSY], [AGAIN], [CUT]], [0, 7, 0], None),
        ([[GONE]] * 4, [0, 0, 0], "asked again though it was refused for good"),
        ([[GONE, GONE]], [], "status 404 at the file came 2 times in one attempt"),
        ([[BUSY], [BUSY], [BUSY], [BUSY]], [7, 0, 7], "the next attempt did not wait for 7 s more"),
        ([[BUSY]], [], "given up after 1 attempts"),
        ([[AGAIN], [CUT], [CUT]], [0, 0], "given up after 3 attempts"),
        ([[AGAIN, AGAIN], [], [], []], [0, 0, 0], "status 500 at the download came 2 times"),
    ],
)
def test_what_is_asked_too_often_too_seldom_or_too_soon_is_found_out(met, asked, failure):
    waits = [5, 20, 60][: len(met) - 1]
    attempts = SimpleNamespace(met=met, waits=waits, asked=asked, artifact=None)
    told = network.impatient(attempts)
    assert told is None if failure is None else told.startswith(failure)
