"""Choosing what to train on this machine, whose speed is measured first."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from femtogpt.config import ModelConfig, TrainConfig
from femtogpt.parallel import cores
from femtogpt.scaling_law import ScalingLaw
from femtogpt.training.budget import Budget, Choice, choices
from femtogpt.training.machine_speed import measure, measured_step
from femtogpt.training.pace import StepSeconds
from femtogpt.training.precision import Precision
from femtogpt.training.waiting import SPARE, IdlePool, Times

LOOK_SECONDS = 0.3  # at what other programs do
AGAIN = 0.2  # of the time to compile, where the compiler kept what it made


def chosen(budget: Budget, law: ScalingLaw, start: float) -> Choice:
    """The best training that ends so long after ``start`` (as ``time.perf_counter`` has it).

    The size is chosen by the speed that is fitted to small steps, the length by steps of its own.
    """
    step_seconds, precision = speed_here(budget)
    best, *_ = choices(budget, law, step_seconds)
    with waiting_as_needed(precision.device):
        real = measured_step(
            best.model, _of_one_process(best.train), budget.vocab_size, precision, best.compiled
        )
    slower = real / step_seconds(best.model, best.train, best.compiled)
    if best.compiled:
        budget = replace(budget, compiling=AGAIN * budget.compiling)
    left = replace(
        budget,
        seconds=budget.seconds - (time.perf_counter() - start),
        model=best.model.model_dump(exclude_unset=True),
    )
    return choices(left, law, lambda *training: slower * step_seconds(*training))[0]


def speed_here(budget: Budget) -> tuple[StepSeconds, Precision]:
    """Seconds of a step of any model on this machine, measured now; and the device's precision."""
    model, train = next(budget.candidates())
    if train.threads:
        torch.set_num_threads(train.threads)
    precision = Precision(train)
    if precision.device.type == "cpu":
        with waiting_as_needed(precision.device):
            speed = measure(model, train, budget.vocab_size, precision)
        return (
            lambda model, train, compiled: speed.seconds(
                model, _of_one_process(train), budget.vocab_size, compiled
            ),
            precision,
        )

    measured: dict[tuple[ModelConfig, int], float] = {}

    def on_card(model: ModelConfig, train: TrainConfig, compiled: bool) -> float:
        key = model, train.batch_size
        if key not in measured:
            measured[key] = measured_step(
                model, _of_one_process(train), budget.vocab_size, precision, compiled=False
            )
        return measured[key]

    return on_card, precision


@contextmanager
def waiting_as_needed(device: torch.device) -> Iterator[None]:
    """Within this, threads wait for each other as in a training on a machine as busy as this."""
    if device.type != "cpu" or sys.platform != "linux" or torch.get_num_threads() == 1:
        yield
        return
    before = Times.now()
    time.sleep(LOOK_SECONDS)
    busy = Times.now().others_since(before) + torch.get_num_threads() > cores() + SPARE
    pool = IdlePool() if busy else None
    try:
        yield
    finally:
        if pool is not None:
            pool.end()


def _of_one_process(train: TrainConfig) -> TrainConfig:
    """With the sequences of one of several processes."""
    return train.model_copy(update={"batch_size": max(1, train.batch_size // train.processes)})
