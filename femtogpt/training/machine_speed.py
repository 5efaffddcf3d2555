"""How fast a machine trains models of any size, from steps of a few small ones.

A step's time is that of its parts: matrix products of the layers, of the head and of Muon's
iterations, and passes over activations and weights. What each of them takes here is fitted to
measured steps of models in which they have different shares.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch

from femtogpt.config import ModelConfig, TrainConfig
from femtogpt.scaling import HEAD_SIZE
from femtogpt.training.compilation import compile_model, try_compiled
from femtogpt.training.distributed import Group
from femtogpt.training.made_up_step import made_up_step
from femtogpt.training.plan import micro_batch_size
from femtogpt.training.precision import Precision

SHAPES = ((2, 128), (1, 512), (4, 192))  # layers and width: all parts have different shares
MEASURED_TOKENS = 512  # of a step, about
REPEATED = 2  # steps of each, of which the fastest counts
# A part's time compiled, to that uncompiled: what gave 0.73, 0.71 and 0.75 of a gradient's time at
# widths 128, 256 and 384. It chooses among sizes; the length follows from a compiled step.
COMPILED = {"activations": 0.3, "logits": 1.0, "products": 1.0}


@dataclass(frozen=True)
class MachineSpeed:
    """Seconds for each unit of the parts of a step (see the functions below)."""

    gradient: dict[str, float]
    step: dict[str, float]

    def seconds(
        self, model: ModelConfig, train: TrainConfig, vocab_size: int, compiled: bool = False
    ) -> float:
        """Seconds of a step of training."""
        tokens = train.batch_size * model.context
        by_token = parts_of_gradient(model, train.softmax_size(vocab_size))
        faster = COMPILED if compiled else dict.fromkeys(COMPILED, 1.0)
        gradient = sum(self.gradient[part] * by_token[part] * faster[part] for part in by_token)
        by_step = parts_of_step(model, train, vocab_size)
        return tokens * gradient + sum(self.step[part] * by_step[part] for part in by_step)


def parts_of_gradient(model: ModelConfig, softmax_size: int) -> dict[str, float]:
    """For one token: numbers in activations and in logits, operations in matrix products."""
    return {
        "activations": float(model.layers * model.width),
        "logits": float(softmax_size),
        "products": model.flops_per_token(softmax_size),
    }


def parts_of_step(model: ModelConfig, train: TrainConfig, vocab_size: int) -> dict[str, float]:
    """For an optimizer's step: weights, and operations of one of Muon's iterations."""
    keys = model.key_value_heads * model.head_size
    matrices = [(model.width, model.width)] * 2 + [(keys, model.width)] * 2
    matrices += [(model.hidden, model.width)] * 3
    muon = 0.0
    for short, long in map(sorted, matrices):
        muon += model.layers * (4.0 * short**2 * long + 2.0 * short**3)
    return {
        "weights": float(model.parameters(vocab_size)),
        "iterations": muon if train.optimizer == "muon" else 0.0,
    }


def measure(
    model: ModelConfig, train: TrainConfig, vocab_size: int, precision: Precision
) -> MachineSpeed:
    """Measure steps with the settings of a training, for a second or two."""
    gradients, steps = [], []
    for layers, width in SHAPES:
        shape = {"layers": layers, "width": width, "heads": width // HEAD_SIZE, "kv_heads": None}
        small = model.model_copy(update={**shape, "feed_forward": None})
        count = max(1, MEASURED_TOKENS // model.context)
        _, optimizer, gradient = made_up_step(
            small, train, vocab_size, count, precision.dtype, str(precision.device)
        )
        seconds = timed(gradient, optimizer.step)
        gradients.append(
            (
                parts_of_gradient(small, train.softmax_size(vocab_size)),
                seconds[0] / (count * model.context),
            )
        )
        steps.append((parts_of_step(small, train, vocab_size), seconds[1]))
    return MachineSpeed(_fitted(gradients), _fitted(steps))


def timed(*functions: Callable[[], object], times: int = REPEATED) -> list[float]:
    """Seconds of functions called in turn; the fastest of several rounds, after a first one."""
    rounds = []
    for _ in range(times + 1):
        seconds = []
        for function in functions:
            start = time.perf_counter()
            function()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - start)
        rounds.append(seconds)
    return [min(each) for each in zip(*rounds[1:], strict=True)]


def _fitted(measured: Iterable[tuple[dict[str, float], float]]) -> dict[str, float]:
    """Seconds per unit of each part, none negative, that come nearest to what was measured."""
    from scipy.optimize import nnls

    parts = [*measured]
    names = [*parts[0][0]]
    # Each row is divided by its time, so that shares of it are to be small, not seconds.
    rows = np.array([[each[name] / seconds for name in names] for each, seconds in parts])
    largest = rows.max(axis=0)
    largest[largest == 0] = 1.0
    found, _ = nnls(rows / largest, np.ones(len(parts)))
    return dict(zip(names, (found / largest).tolist(), strict=True))


def measured_step(
    model: ModelConfig, train: TrainConfig, vocab_size: int, precision: Precision, compiled: bool
) -> float:
    """Seconds of a step of this very model, measured; if compiled, this takes a while.

    The compiler keeps what it made, so a training that follows begins sooner. Where it does not
    work, nor will it in training, the step is not compiled.
    """
    count = micro_batch_size(model, train, vocab_size, precision)
    gpt, optimizer, gradient = made_up_step(
        model, train, vocab_size, count, precision.dtype, str(precision.device)
    )
    if compiled:
        compile_model(gpt)
        try_compiled(gpt, precision, count, Group())
    seconds = timed(gradient, optimizer.step, times=4)
    return seconds[0] * train.batch_size / count + seconds[1]
