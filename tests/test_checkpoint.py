"""Checkpoints: whole or passed over, and never the reason to lose a better one."""

from __future__ import annotations

import json
import logging
import math
import os
import re
import subprocess
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.artifacts.room import size_of
from femtogpt.errors import Stopped, UserError
from femtogpt.training import checkpoint
from femtogpt.training.checkpoint import Checkpoint, load_newest, restore_metrics, save
from femtogpt.training.loop import train
from femtogpt.training.metrics import METRICS_FILE
from femtogpt.training.state_file import load_state, parts
from tests.tiny import (
    Process,
    outcome,
    settings,
    stop_after,
    trained,
)

FILES = ["checkpoint.json", "metrics.jsonl.gz", "model.safetensors", "state.safetensors"]


@pytest.fixture
def run(tmp_path):
    """A run folder with 100 bytes of metrics."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / METRICS_FILE).write_bytes(b"\n" * 100)
    return folder


def at(step: int, metrics_size: int = 50) -> Checkpoint:
    weights = {"weight": torch.full((40, 30), float(step))}
    state = {"optimizer": [{"state": {0: {"momentum": torch.ones(5) * step}}}], "scaler": {}}
    return Checkpoint(step, metrics_size, step / 3, weights, state)


def kept(run: Path) -> list[int]:
    return sorted(int(folder.name) for folder in (run / "checkpoints").glob("[0-9]*"))


def flip(file: Path) -> None:
    """Turn one bit in the middle."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def test_what_was_saved_is_loaded(run):
    save(run, at(3), keep=2)
    found = load_newest(run)
    assert (found.step, found.metrics_size, found.seconds) == (3, 50, 1.0)
    assert torch.equal(found.weights["weight"], at(3).weights["weight"])
    assert torch.equal(found.state["optimizer"][0]["state"][0]["momentum"], torch.ones(5) * 3)


def test_where_nothing_was_saved_there_is_none(run):
    assert load_newest(run) is None


def test_the_newest_so_many_are_kept(run):
    for step in (2, 9, 10, 100, 1000):
        save(run, at(step), keep=3)
    assert kept(run) == [10, 100, 1000]
    assert load_newest(run).step == 1000
    assert sorted(path.name for path in (run / "checkpoints").iterdir())[0] == "00000010"


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("harm", [flip, cut, os.unlink])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_taken(run, file, harm, caplog):
    save(run, at(5), keep=2)
    save(run, at(10), keep=2)
    harm(run / "checkpoints/00000010" / file)
    with caplog.at_level(logging.WARNING):
        assert load_newest(run).step == 5
    assert ["00000010 is damaged" in record.message for record in caplog.records] == [True]


def test_one_half_written_by_a_killed_process_is_neither_read_nor_in_the_way(run):
    save(run, at(5), keep=2)
    partial = run / "checkpoints/.partial"
    partial.mkdir()
    (partial / "model.safetensors").write_bytes(b"half")
    assert load_newest(run).step == 5
    save(run, at(10), keep=2)
    assert load_newest(run).step == 10
    assert not partial.exists()


def flip_metrics(run: Path) -> None:
    flip(run / METRICS_FILE)


def cut_metrics(run: Path) -> None:
    cut(run / METRICS_FILE)


def lose_metrics(run: Path) -> None:
    (run / METRICS_FILE).unlink()


HARMS = [flip_metrics, cut_metrics, lose_metrics]


@pytest.mark.parametrize("harm", HARMS)
def test_a_checkpoint_brings_the_metrics_back_up_to_it(run, harm, caplog):
    (run / METRICS_FILE).write_bytes(lines := bytes(range(100)))
    save(run, at(10, metrics_size=90), keep=2)
    restore_metrics(run, 10)
    assert (run / METRICS_FILE).read_bytes() == lines and not caplog.messages
    harm(run)
    assert load_newest(run).step == 10
    restore_metrics(run, 10)
    assert (run / METRICS_FILE).read_bytes() == lines[:90]
    assert "metrics.jsonl is damaged: it is made again by the checkpoint 00000010" in caplog.text


def without_copy(run: Path, step: int) -> None:
    """A checkpoint as it was in version 0.2: without the metrics."""
    folder = run / f"checkpoints/{step:08d}"
    (folder / "metrics.jsonl.gz").unlink()
    about = json.loads((folder / "checkpoint.json").read_bytes())
    del about["files"]["metrics.jsonl.gz"]
    (folder / "checkpoint.json").write_text(json.dumps(about))


def test_weeks_of_metrics_take_no_memory(run):
    lines = [b'{"step": %d, "train_loss": 2.5}\n' % step for step in range(1_000_000)]
    (run / METRICS_FILE).write_bytes(b"".join(lines))
    size = (run / METRICS_FILE).stat().st_size
    tracemalloc.start()
    try:
        save(run, at(3, size), keep=2)
        assert load_newest(run).metrics_size == size
        restore_metrics(run, 3)
        assert tracemalloc.get_traced_memory()[1] < size / 2
    finally:
        tracemalloc.stop()


def test_an_early_checkpoint_whose_metrics_are_damaged_is_not_taken(run):
    """Nor is it when they have grown anew."""
    for step, size in ((5, 50), (10, 100)):
        save(run, at(step, metrics_size=size), keep=2)
        without_copy(run, step)
    assert load_newest(run).step == 10
    os.truncate(run / METRICS_FILE, 50)
    assert load_newest(run).step == 5
    restore_metrics(run, 5)
    with (run / METRICS_FILE).open("ab") as file:
        file.write(b"a line across byte 100\n" * 4)
    assert load_newest(run).step == 5


@pytest.mark.parametrize("keep", [1, 2])
def test_a_new_checkpoint_is_kept_however_many_damaged_ones_have_a_later_step(run, keep):
    save(run, at(10), keep=2)
    save(run, at(15), keep=2)
    for step in (10, 15):
        flip(run / f"checkpoints/{step:08d}/state.safetensors")
    assert load_newest(run) is None
    save(run, at(5), keep)
    assert load_newest(run).step == 5


@pytest.mark.parametrize("error", [MemoryError(), OSError(24, "Too many open files")])
def test_a_whole_checkpoint_that_cannot_be_read_just_now_is_not_taken_for_damaged(
    run, error, monkeypatch
):
    save(run, at(5), keep=2)
    save(run, at(10), keep=2)

    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(checkpoint, "load_state", refuse)
    with pytest.raises(type(error)):
        load_newest(run)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
TENSORS = st.builds(
    lambda shape, dtype: torch.arange(math.prod(shape)).reshape(shape).to(dtype),
    st.lists(st.integers(0, 3), max_size=3),
    st.sampled_from([torch.float32, torch.bfloat16, torch.int64, torch.bool]),
)
KEYS = st.text(max_size=5) | st.integers(0, 99)
STATES = st.recursive(
    SCALARS | TENSORS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=5,
)


def same(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


@hypothesis.settings(deadline=None)
@given(st.dictionaries(KEYS, STATES, max_size=3))
def test_a_state_comes_back_as_it_was(state):
    with TemporaryDirectory() as folder:
        path = Path(folder, "state.safetensors")
        path.write_bytes(b"".join(parts(state)))
        assert same(state, load_state(path))


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_training_leaves_nothing_that_could_run_code(tmp_path, tokens, optimizer, precision):
    config = settings(max_steps=3, optimizer=optimizer, precision=precision)
    folder = trained(config, tokens, tmp_path / "run") / "checkpoints/00000003"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert set(load_state(folder / "state.safetensors")) == {
        "optimizer",
        "scaler",
        "average",
        "sequences",
    }


@pytest.mark.parametrize(
    "harm",
    [
        lambda run: flip(run / "checkpoints/00000010/model.safetensors"),
        lambda run: cut(run / "checkpoints/00000010/state.safetensors"),
        lambda run: os.unlink(run / "checkpoints/00000010/checkpoint.json"),
        lambda run: flip(run / "checkpoints/00000010/metrics.jsonl.gz"),
        lambda run: [
            flip(folder / "state.safetensors") for folder in (run / "checkpoints").glob("[0-9]*")
        ],
    ],
    ids=["flipped bit", "cut", "missing file", "metrics", "all damaged"],
)
def test_a_training_that_goes_on_from_an_older_checkpoint_ends_the_same(
    tmp_path, tokens, harm, caplog
):
    config = settings()
    expected = outcome(trained(config, tokens, tmp_path / "unbroken"))
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(Stopped, match="step 10"):
        train(config, tokens, run, stop_after(10))
    harm(run)
    with caplog.at_level(logging.WARNING):
        train(config, tokens, run)
    assert "00000010 is damaged" in caplog.text
    assert outcome(run) == expected


@pytest.mark.parametrize("harm", HARMS)
def test_a_training_whose_metrics_are_damaged_goes_on_from_its_newest_checkpoint(
    tmp_path, tokens, harm, caplog
):
    expected = outcome(trained(settings(), tokens, tmp_path / "unbroken"))
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(Stopped, match="step 10"):
        train(settings(), tokens, run, stop_after(10))
    harm(run)
    with caplog.at_level(logging.INFO):
        train(settings(), tokens, run)
    assert "going on from the checkpoint at step 10" in caplog.text
    assert outcome(run) == expected


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 384 kB, where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=384k", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a disk can be mounted by root alone")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_the_last_checkpoint_and_one_clear_line(tmp_path, tokens, small_disk):
    config = settings()
    expected = outcome(trained(config, tokens, tmp_path / "unbroken"))
    run = small_disk / "run"
    run.mkdir()
    with pytest.raises(Stopped):
        train(config, tokens, run, stop_after(3))
    room = os.statvfs(small_disk)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"0" * (room.f_bavail * room.f_bsize - 40_000))

    with Process(config, tokens, run) as process:
        status, logged = process.end()
    assert status == 2
    assert "disk is full" in logged[-1]
    assert not any("Traceback" in line for line in logged)

    ballast.unlink()
    assert load_newest(run).step == 3
    train(config, tokens, run)
    assert outcome(run) == expected


def test_a_training_does_not_begin_without_room_for_its_checkpoints(tmp_path, tokens, small_disk):
    """And what it asks for is what it then takes."""
    config = settings(max_steps=4, checkpoint_every=1, keep_checkpoints=2)
    run = trained(config, tokens, tmp_path / "run")
    (first, _) = ({path: size_of(path) for path in (run / "checkpoints").glob("[0-9]*")}).values()
    room = os.statvfs(small_disk)
    (small_disk / "ballast").write_bytes(b"0" * (room.f_bavail * room.f_bsize - first))
    with pytest.raises(UserError) as refused:
        train(config, tokens, small_disk)
    (line,) = str(refused.value).splitlines()
    needed = float(re.findall(r"2 checkpoints needs at least ([\d.]+) kB", line)[0])
    weights = (run / "model.safetensors").stat().st_size
    assert str(small_disk) in line and "free some space" in line
    assert 0.8 < 1000 * needed / (3 * first + 2 * weights) <= 1
    assert not [*small_disk.rglob("*.safetensors")]
    (small_disk / "ballast").unlink()
