"""Several processes that train together: the same course as one, stopped and gone on with alike."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from itertools import pairwise

import psutil
import pytest
import safetensors.torch
from torch.nn.parallel import DistributedDataParallel

from femtogpt.training.__main__ import STOPPED, USER_ERROR
from femtogpt.training.checkpoint import load_newest
from femtogpt.training.distributed import process_group
from femtogpt.training.metrics import METRICS_FILE, read_metrics
from femtogpt.training.precision import Precision
from femtogpt.training.settings import TrainingSettings
from femtogpt.training.trainer import Trainer
from tests.listening import open_to_others
from tests.tiny import Process, readable, samples, settings, trained

NEAR = 1e-4  # nats: sums in another order


def alike(processes: int = 1, **changes) -> TrainingSettings:
    """Without dropout, which each process draws for its own sequences."""
    together = {"processes": processes, "micro_batch": 1, "muon_learning_rate": 0.01}
    return settings({"dropout": 0.0}, **{**together, **changes})


def losses(run) -> list[tuple[int, str, float]]:
    names = ("train_loss", "held_out_loss")
    return [
        (line["step"], name, line[name])
        for line in read_metrics(run / METRICS_FILE)
        for name in names
        if name in line
    ]


def assert_same_course(run, other) -> None:
    ours, theirs = losses(run), losses(other)
    assert [line[:2] for line in ours] == [line[:2] for line in theirs]
    for one, another in zip(ours, theirs, strict=True):
        assert one[2] == pytest.approx(another[2], abs=NEAR), one


SLOW = pytest.mark.slow
SHARED = {"subword_rate": 0.5, "softmax_tokens": 10}


@pytest.mark.parametrize(
    ("parallel", "changes"),
    [
        ("ddp", {"optimizer": "muon", "ema": 0.9, **SHARED}),
        pytest.param("fsdp", {"optimizer": "muon", "ema": 0.9, **SHARED}, marks=SLOW),
        pytest.param("ddp", {"optimizer": "adamw"}, marks=SLOW),
        pytest.param("fsdp", {"optimizer": "adamw"}, marks=SLOW),
        pytest.param("ddp", {"compile": True, "activation_checkpointing": True}, marks=SLOW),
        pytest.param("fsdp", {"compile": True, "activation_checkpointing": True}, marks=SLOW),
    ],
)
def test_two_processes_train_and_write_as_one(tmp_path, run, parallel, changes):
    tokens, changes = readable(tmp_path / "tokens"), {"sample_every": 8, **changes}
    one = trained(alike(**changes), tokens, tmp_path / "one")
    with Process(alike(2, parallel=parallel, **changes), tokens, run) as pair:
        pair.reach(1)
        reached_by_others = open_to_others(pair.child.pid)
        status, logged = pair.end()
    assert status == 0, logged
    assert not reached_by_others
    assert any(f"2 processes ({parallel})" in line for line in logged)
    assert not any("does not work" in line for line in logged)  # torch.compile
    assert_same_course(run, one)
    assert samples(run) == samples(one)
    ours, theirs = (
        safetensors.torch.load_file(folder / "model.safetensors") for folder in (run, one)
    )
    assert {name: weight.shape for name, weight in ours.items()} == {
        name: weight.shape for name, weight in theirs.items()
    }


@pytest.mark.slow
def test_an_average_is_gone_from_the_weights_when_training_goes_on(tmp_path, tokens, run):
    """Also where an estimate is no better than the one before, and nothing is kept of it."""
    odd = {
        "ema": 0.9,
        "evaluate_every": 1,
        "learning_rate": 0.3,
        "optimizer": "adamw",
        "decay": 0.0,
    }
    one = trained(alike(max_steps=8, **odd), tokens, tmp_path / "one")
    values = [value for _, name, value in losses(one) if name == "held_out_loss"]
    assert any(after > before for before, after in pairwise(values))
    with Process(alike(2, max_steps=8, parallel="fsdp", **odd), tokens, run) as pair:
        assert pair.end()[0] == 0
    assert_same_course(run, one)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param((2, "fsdp"), (1, "ddp"), marks=SLOW),
        pytest.param((1, "ddp"), (2, "fsdp"), marks=SLOW),
        pytest.param((2, "ddp"), (4, "ddp"), marks=SLOW),
    ],
)
def test_a_training_goes_on_with_another_number_of_processes(tmp_path, tokens, run, first, then):
    long = {"max_steps": 60, "checkpoint_every": 7}
    one = trained(alike(**long), tokens, tmp_path / "one")
    with Process(alike(first[0], parallel=first[1], **long), tokens, run, "--supervised") as some:
        some.reach(9)
        some.child.stdin.close()
        assert some.end()[0] == STOPPED
    reached = load_newest(run).step
    assert 9 <= reached < 60
    with Process(alike(then[0], parallel=then[1], **long), tokens, run) as others:
        status, logged = others.end()
    assert status == 0, logged
    assert f"going on from the checkpoint at step {reached}" in logged
    assert_same_course(run, one)


@SLOW
def test_a_signal_to_the_launcher_ends_with_a_checkpoint_and_no_process_left(tokens, run):
    with Process(alike(2, max_steps=100_000), tokens, run) as pair:
        pair.reach(3)
        workers = psutil.Process(pair.child.pid).children(recursive=True)
        pair.child.send_signal(signal.SIGTERM)
        status, logged = pair.end()
    assert status == STOPPED
    assert any("training stopped at step" in line for line in logged)
    assert load_newest(run).step >= 3
    assert not any(worker.is_running() for worker in workers)


LAUNCHER_OF_ONE = """
import os, subprocess, sys
from femtogpt.training.orphan import LAUNCHER
child = "from femtogpt.training.orphan import end_without_launcher as end; import sys; end();"
child += "print(1, flush=True); sys.stdin.read()"
environment = {**os.environ, LAUNCHER: str(os.getpid())}
subprocess.run([sys.executable, "-c", child], env=environment)
"""


def test_a_process_whose_launcher_is_killed_ends():
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER_OF_ONE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with launcher:
        assert launcher.stdout.readline() == b"1\n"
        workers = psutil.Process(launcher.pid).children()
        launcher.kill()
        _, left = psutil.wait_procs(workers, timeout=10)
        assert not left


@SLOW
@pytest.mark.parametrize("begun", [False, True])
def test_where_the_launcher_is_killed_no_process_stays(tokens, run, begun):
    """Before they have met, they would wait for half an hour."""
    with Process(alike(2, max_steps=100_000), tokens, run) as pair:
        launcher, until = psutil.Process(pair.child.pid), time.monotonic() + 60
        while len(workers := launcher.children(recursive=True)) < 2:
            assert time.monotonic() < until and pair.child.poll() is None
            time.sleep(0.05)
        if begun:
            pair.reach(3)
    _, left = psutil.wait_procs(workers, timeout=20)
    assert not left


@SLOW
def test_where_one_of_them_is_killed_all_end_and_the_same_command_goes_on(tmp_path, tokens, run):
    one = trained(alike(max_steps=60), tokens, tmp_path / "one")
    with Process(alike(2, max_steps=60), tokens, run) as pair:
        pair.reach(6)
        workers = psutil.Process(pair.child.pid).children()
        victim = next(w for w in workers if w.environ().get("RANK") == "1")
        os.kill(victim.pid, signal.SIGKILL)
        assert pair.end()[0] == -signal.SIGKILL
        assert not any(worker.is_running() for worker in workers)
    with Process(alike(2, max_steps=60), tokens, run) as pair:
        status, logged = pair.end()
    assert status == 0, logged
    assert_same_course(run, one)


def test_a_batch_that_cannot_be_shared_out_is_told_before_anything_begins(tokens, run, monkeypatch):
    with pytest.raises(ValueError, match="batch_size 4 must be a multiple of processes 3"):
        alike(3)
    for name, value in {"RANK": "0", "WORLD_SIZE": "3", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    with Process(alike(), tokens, run) as process:
        status, logged = process.end()
    assert status == USER_ERROR
    assert logged[-1] == "train.batch_size 4 must be a multiple of the 3 processes"


def test_a_single_process_of_torchrun_trains_in_ddp_as_more_would(tokens, run, monkeypatch):
    environment = {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    config = alike(max_steps=4)
    run.mkdir(exist_ok=True)
    with process_group(config.train) as (group, device):
        precision = Precision(config.train, device)
        with closing(Trainer(config, tokens, run, group, precision)) as trainer:
            assert isinstance(trainer.gradient.model, DistributedDataParallel)
