"""A stop by a signal, wherever it comes: it is told as a stop, and nothing stays behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from prefect.exceptions import TerminationSignal

from femtogpt.tokens.tokenizer import train
from flows.lifecycle import outcome
from flows.run_folder import PREFIX, abandoned, forget, run_folder
from tasks import MLFLOW_NOTES

# Ctrl-C comes while polars calls Python: in the first reading of a Parquet file.
INTERRUPTED = """
import sys
import polars
from polars.io.scan_options.cast_options import ScanCastOptions
from femtogpt import cli
from femtogpt.commands import run_list

def interrupted(*settings, **named):
    raise KeyboardInterrupt

ScanCastOptions.__init__ = interrupted
run_list.runs = lambda data: polars.read_parquet(data)
try:
    polars.read_parquet(sys.argv[1])
except BaseException as error:
    print(type(error).__name__)
sys.exit(cli.main(["runs", "--data", sys.argv[1]]))
"""
HOLDER = """
import subprocess, sys
from flows.run_folder import run_folder
with run_folder() as (folder, in_use):
    if "child" in sys.argv:
        wait = [sys.executable, "-c", "import sys; sys.stdin.read()"]
        subprocess.Popen(wait, pass_fds=[in_use])
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_an_interruption_that_polars_makes_a_panic_of_ends_a_command_as_any_other(tmp_path):
    file = tmp_path / "a.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(file)
    command = [sys.executable, "-c", INTERRUPTED, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == "PanicException\n", "polars says otherwise now: this may go"
    assert done.returncode == 130


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_what_ends_the_lines_of_a_tokenizer_ends_its_training(error):
    def lines() -> Iterator[str]:
        yield from ["мама мыла раму"] * 100
        raise error("in the middle")

    with pytest.raises(error, match="in the middle"):
        train(lines(), 300)


class PanicException(BaseException):
    """As polars has it; it cannot be made."""


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), "KILLED"),
        (TerminationSignal(signal=15), "KILLED"),
        (PanicException("PyErr { type: <class 'KeyboardInterrupt'>, … }"), "KILLED"),
        (PanicException("PyErr { type: <class 'TerminationSignal'>, … }"), "KILLED"),
        (PanicException("index out of bounds"), "FAILED"),
        (ValueError("KeyboardInterrupt"), "FAILED"),
    ],
)
def test_a_stop_is_told_from_a_failure(error, status):
    assert outcome(error)[0] == status


def held(home: Path, *words: str) -> tuple[subprocess.Popen[str], Path]:
    """A process that has a run's folder, and the folder."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PREFECT_HOME": str(home)},
        text=True,
    )
    return holder, Path(holder.stdout.readline().strip())


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """Where runs have their folders."""
    monkeypatch.setattr("flows.run_folder.PLACE", tmp_path / "open")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / "open"


def test_the_folder_of_a_killed_run_goes_when_the_next_begins(place):
    (killed, left), (survived, used) = held(place.parent), held(place.parent, "child")
    for process in (killed, survived):
        process.kill()
        process.wait()
    unknown = place / f"{PREFIX}mine"  # nothing says that it is a run's
    unknown.mkdir()
    assert left.is_dir() and left.parent == place

    with run_folder() as (folder, _):
        assert {*place.iterdir()} == {folder, used, unknown}, "a child still uses the second"
    survived.stdin.close()  # the child ends
    end = time.monotonic() + 20
    while used.exists() and time.monotonic() < end:
        with run_folder():
            time.sleep(0.05)
    assert {*place.iterdir()} == {unknown}


def test_the_notes_of_a_killed_run_stay_until_what_it_had_open_has_ended(place):
    (killed, left), (alive, used) = held(place.parent), held(place.parent)
    for folder in (left, used):
        (folder / MLFLOW_NOTES).write_text("a note")
    killed.kill()
    killed.wait()
    other_machine = place / left.name.replace(PREFIX, "femtogpt-run-elsewhere-")
    shutil.copytree(left, other_machine)
    with run_folder() as (folder, _):
        assert [*abandoned()] == [left]
        forget(left)
        assert {*place.iterdir()} == {folder, used, other_machine}
    alive.kill()
    alive.wait()


def test_a_run_has_a_folder_where_prefects_data_cannot_be_written(place, tmp_path):
    place.write_text("no folder")
    with run_folder() as (folder, _):
        assert folder.parent == tmp_path
    assert not folder.exists()
