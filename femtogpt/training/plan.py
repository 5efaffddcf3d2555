"""What a training will take before it begins: memory by part, steps, operations, time.

Memory is not computed from a formula. Small parts of the very model (two and four layers, some
windows) are trained for a step on the processor under torch's own accounting, and what they take
is extrapolated: it grows with layers, with windows and with both.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

import torch

from femtogpt.config import ModelConfig, TrainConfig
from femtogpt.model.gpt import GPT
from femtogpt.model.loss import rows_at_once
from femtogpt.training.optimizer import Optimizer
from femtogpt.training.precision import Precision

CARD = 0.6e9  # bytes of a card that CUDA and its libraries take for themselves
SPARE = 0.05  # of a card's memory, for what lies between tensors
ON_PROCESSOR = 16  # windows at once at most: more is no faster there
LOSS_PART = "loss and copies of the weights"
LOSS = 14  # bytes for each logit at once: itself in two, softmax and gradient in four each


@dataclass(frozen=True)
class Plan:
    """Of one training; bytes, tokens and floating-point operations."""

    parameters: int
    fixed: dict[str, int]  # bytes by part, whatever the number of windows
    per_window: int  # bytes of activations and their gradients
    stepping: int  # bytes that the optimiser's step takes, when those of windows are free again
    tokens: int  # 0 where the number of steps is not settled
    flops: float

    def memory(self, windows: int) -> int:
        """Bytes with so many windows at once."""
        loss = self.fixed[LOSS_PART]
        held = sum(self.fixed.values()) - loss
        return held + max(loss + windows * self.per_window, self.stepping)

    def fitting(self, memory: float) -> int:
        """The most windows at once that fit into so many bytes; 0 where none does."""
        if self.memory(0) > memory:
            return 0
        return max(0, int((memory - sum(self.fixed.values())) // self.per_window))

    def spread(self, processes: int) -> Plan:
        """For each of so many processes that keep a part of the weights and states each."""
        return replace(self, fixed={name: size // processes for name, size in self.fixed.items()})


def plan(
    model: ModelConfig,
    config: TrainConfig,
    vocab_size: int,
    dtype: torch.dtype,
    device: str = "cpu",
) -> Plan:
    """Plan a training on a kind of device with matrix products in ``dtype``."""
    if dtype == torch.float16:
        dtype = torch.bfloat16  # as large, and on a processor by far faster
    rows = rows_at_once("cpu", vocab_size)
    few = -(-rows // model.context)  # windows: from there on the loss takes no more
    more = few + 2
    peaks = {
        (layers, count): peaks_of_step(
            model.model_copy(update={"layers": layers}), config, vocab_size, count, dtype
        )
        for layers, count in product((2, 4), (few, more))
    }
    by_window = {layers: (peaks[layers, more][0] - peaks[layers, few][0]) / 2 for layers in (2, 4)}
    base = {layers: peaks[layers, few][0] - few * by_window[layers] for layers in (2, 4)}
    beyond = (model.layers - 2) / 2

    def extended(two: float, four: float) -> int:
        return round(two + beyond * (four - two))

    constant = extended(base[2], base[4])
    stepping = extended(peaks[2, few][1], peaks[4, few][1])
    parameters = model.parameters(vocab_size)
    hidden = parameters - vocab_size * model.width
    states = 4 * (hidden if config.optimizer == "muon" else 2 * hidden) + 8 * (parameters - hidden)
    known = {"weights": 4 * parameters, "gradients": 4 * parameters, "optimiser": states}
    held = sum(known.values())
    rest = max(0, constant - held)
    rest += LOSS * vocab_size * (rows_at_once(device, vocab_size) - rows)
    if config.ema:
        known["average"] = 4 * parameters
    tokens = (config.max_steps or 0) * config.batch_size * model.context
    return Plan(
        parameters,
        {**known, LOSS_PART: rest},
        extended(by_window[2], by_window[4]),
        max(0, stepping - held),
        tokens,
        tokens * model.flops_per_token(vocab_size),
    )


def windows_at_once(
    model: ModelConfig,
    config: TrainConfig,
    vocab_size: int,
    precision: Precision,
    processes: int = 1,
) -> int:
    """The micro-batch: as set, or the largest part of a process's batch that fits into memory."""
    batch = config.batch_size // processes
    if config.micro_batch is not None:
        return divisor(batch, config.micro_batch)
    limit = None if config.memory_gb is None else config.memory_gb * 1e9
    most = batch
    if precision.device.type == "cpu":
        most = min(most, ON_PROCESSOR)
    elif limit is None:
        limit = usable(torch.cuda.mem_get_info(precision.device)[0])
    if limit is not None:
        found = plan(model, config, vocab_size, precision.dtype, precision.device.type)
        if config.parallel == "fsdp":
            found = found.spread(processes)
        most = min(most, max(1, found.fitting(limit)))
    return divisor(batch, most)


def divisor(batch_size: int, most: int) -> int:
    """The largest part of a batch, of at most so many windows, that divides it evenly."""
    return max(n for n in range(1, max(1, most) + 1) if batch_size % n == 0)


def usable(memory: float) -> float:
    """What tensors may take of a card with so many bytes free."""
    return memory * (1 - SPARE) - CARD


def peaks_of_step(
    model_config: ModelConfig,
    config: TrainConfig,
    vocab_size: int,
    windows: int,
    dtype: torch.dtype,
) -> tuple[int, int]:
    """The most bytes that tensors take at once on the processor: for the gradient, for the step."""
    model, optimizer, gradient = _step(model_config, config, vocab_size, windows, dtype)
    gradient()
    optimizer.step()  # its states come with the first
    held = sum(4 * parameter.numel() for parameter in model.parameters())
    held += sum(
        value.numel() * value.element_size()
        for part in optimizer.parts
        for state in part.state.values()
        for value in state.values()
        if isinstance(value, torch.Tensor)
    )
    optimizer.zero_grad()
    most, left = _watched(gradient)
    return held + most, held + left + _watched(optimizer.step)[0]


def _watched(function: Callable[[], None]) -> tuple[int, int]:
    """The most bytes that a function takes beyond those before it, and those that it leaves."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "9")  # or it tells of itself on standard error
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as watched:
        function()
    now = most = 0
    for event in watched.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()
            most = max(most, now)
    return most, now


def speed(model: ModelConfig, config: TrainConfig, vocab_size: int, precision: Precision) -> float:
    """Tokens per second of a training step here, not compiled: the best of some."""
    windows = windows_at_once(model, config, vocab_size, precision)
    device = str(precision.device)
    _, optimizer, gradient = _step(model, config, vocab_size, windows, precision.dtype, device)
    best = float("inf")
    for _ in range(4):
        start = time.perf_counter()
        gradient()
        optimizer.step()
        if precision.device.type == "cuda":
            torch.cuda.synchronize(precision.device)
        best = min(best, time.perf_counter() - start)
    return windows * model.context / best


def _step(
    model_config: ModelConfig,
    config: TrainConfig,
    vocab_size: int,
    windows: int,
    dtype: torch.dtype,
    device: str = "cpu",
) -> tuple[GPT, Optimizer, Callable[[], None]]:
    """A new model, its optimiser, and what computes a gradient on made-up tokens."""
    random = torch.get_rng_state()
    model = GPT(model_config, vocab_size).to(device)
    model.recompute = config.activation_checkpointing
    model.boundary = 0 if config.document_mask else None
    optimizer = Optimizer(model, config, dtype)
    ids = torch.randint(vocab_size, (windows, model_config.context)).to(device)
    torch.set_rng_state(random)

    def gradient() -> None:
        kind = ids.device.type
        with torch.autocast(kind, dtype=dtype, enabled=dtype != torch.float32):
            loss = model(ids, ids)
        loss.backward()

    return model, optimizer, gradient
