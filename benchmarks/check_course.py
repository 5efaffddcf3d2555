"""Parts of the check of a card: what a training survives, and other ways to run it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from check_setup import Course, Report, Setup
from made_tokens import SOURCE
from torch import Tensor

from femtogpt.model.gpt import GPT
from femtogpt.training.launch import launch
from femtogpt.training.metrics import METRICS_FILE
from femtogpt.training.ngram_teacher import NGramTeacher
from femtogpt.training.plan import plan

SAME_NATS = 1e-3  # sums in another order
SPREAD = 3.0  # how much further a resumed training may go from an unbroken one than another does
KILLED_STEPS = 120  # so many that it is killed before it is done
CHILD = [sys.executable, "-m", "femtogpt.training"]


def out_of_memory(setup: Setup, report: Report) -> None:
    """A micro-batch that does not fit is halved until it does, and the training is the same."""
    model = setup.model()
    batch = 8 if setup.is_dry else 64
    settings = setup.settings(model, 6, batch_size=batch, micro_batch=batch)
    free = setup.train("memory enough", settings)
    needs = plan(model, settings.train, setup.tokens.vocab_size, torch.float32, setup.device)
    fitting = 3 * batch // 8  # of which a quarter divides the batch
    with _memory_for(setup, fitting, needs.memory(fitting)):
        scarce = setup.train("memory scarce", settings)
    report.note(said=scarce.said("out of memory"))
    report.most(f"sequences at a time, instead of {batch}", scarce.sequences, batch // 2)
    report.least("steps trained", len(scarce.steps), len(free.steps))
    report.most("difference from a training with enough memory", scarce.difference(free), SAME_NATS)


@contextmanager
def _memory_for(setup: Setup, sequences: int, memory: int) -> Iterator[None]:
    """Let memory suffice for so many sequences, which take ``memory`` bytes on a card."""
    if setup.is_dry:
        read = GPT.read

        def scarce(self: GPT, ids: Tensor, *rest: Any) -> Tensor:
            if len(ids) > sequences and torch.is_grad_enabled():
                raise torch.OutOfMemoryError("made up")
            return read(self, ids, *rest)

        with mock.patch.object(GPT, "read", scarce):
            yield
        return
    setup.allot(memory)
    try:
        yield
    finally:
        setup.allot(None)


def killed(setup: Setup, report: Report) -> None:
    """A training that is killed goes on from its last checkpoint as if nothing had been.

    On a CPU bit by bit; on a card sums vary, so that unbroken trainings differ a little, too.
    """
    steps = KILLED_STEPS // 2 if setup.is_dry else KILLED_STEPS
    length = {"max_steps": steps, "evaluate_every": steps, "checkpoint_every": steps // 4}
    few = {"batch_size": 1} if setup.is_dry else {}
    model = setup.model(dropout=0.1)
    settings = setup.settings(model, steps, precision="auto", **length, **few)
    one, other = (setup.run(f"unbroken {number}", settings) for number in (1, 2))
    broken = Course(setup.work / "killed", settings)
    broken.run.mkdir(parents=True)
    settings.write(broken.run)
    command = [*CHILD, str(broken.run), str(setup.tokens.folder)]
    child = subprocess.Popen(command)
    try:
        until = time.monotonic() + 120
        checkpoint = broken.run / "checkpoints" / f"{steps // 4:08d}"
        while not checkpoint.exists() and child.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    reached = (broken.run / METRICS_FILE).read_text("utf-8").count("train_loss")
    report.note(killed_after=reached, of_steps=steps)
    report.holds("it is killed by SIGKILL, half-way", child.returncode == -signal.SIGKILL)
    status = subprocess.run(command, check=False).returncode
    report.holds(f"the same command goes on to the end (status {status})", status == 0)
    numbers = [line["step"] for line in broken.steps]
    report.holds("every step is there once", numbers == [line["step"] for line in one.steps])
    spread, difference = one.difference(other), broken.difference(one)
    report.note(difference_of_unbroken=spread, is_identical=difference == 0)
    limit = max(SPREAD * spread, 0 if setup.is_dry else SAME_NATS)
    report.most("difference from an unbroken training, nats", difference, limit)


def one_process(setup: Setup, report: Report) -> None:
    """A training that torchrun's launcher starts, in DDP with one process, is the plain one."""
    settings = setup.settings(setup.model(), 20, micro_batch=2)
    plain = setup.train("plain", settings)
    launched = Course(setup.work / "launched", settings)
    launched.run.mkdir(parents=True, exist_ok=True)
    settings.write(launched.run)
    status = launch(1, [str(launched.run), str(setup.tokens.folder)], os.EX_TEMPFAIL)
    report.holds(f"the launched training ends (status {status})", status == 0)
    report.least("steps trained", len(launched.steps), len(plain.steps))
    report.most("difference from a plain training, nats", launched.difference(plain), SAME_NATS)


def teacher(setup: Setup, report: Report) -> None:
    """What the n-gram teaches on the card is what it teaches on the CPU, and so is the course."""
    taught = {"ngram_share": 0.8}
    model = setup.model(width=128, heads=2, layers=2)
    steps = 10
    settings = setup.settings(model, steps, **taught)
    batch = setup.tokens.shards("train")[SOURCE][0].ids[: 8 * 65].reshape(8, 65).astype("int64")
    ids = torch.from_numpy(batch)
    rows = []
    for device in ("cpu", setup.device):
        here = NGramTeacher(setup.tokens, torch.device(device))
        soft = here.targets(ids[:, :-1].to(device), ids[:, 1:].to(device), 0.8)
        rows.append(soft.teacher.rows(0, 8 * 64).cpu().clone())
    report.most("difference of its probabilities", float((rows[0] - rows[1]).abs().max()), 1e-6)
    sums = float((rows[1].sum(1) - 1).abs().max())
    report.most("distance of their sums from 1", sums, 1e-4)
    on_card = setup.train("taught", settings)
    on_cpu = setup.train("taught on the CPU", setup.settings(model, steps, **taught, device="cpu"))
    alone = setup.train("not taught", setup.settings(model, steps))
    report.most("difference from the CPU's training, nats", on_card.difference(on_cpu), SAME_NATS)
    report.least("difference from a training without, nats", on_card.difference(alone), SAME_NATS)
    report.note(
        tokens_per_second=on_card.tokens_per_second,
        tokens_per_second_without=alone.tokens_per_second,
    )
