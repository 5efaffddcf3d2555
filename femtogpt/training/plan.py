"""What a training will need, known before it begins: memory by part, operations, speed.

Memory is not computed from a formula. The model with two and four layers is trained for a step on
a few sequences, on the CPU under torch's memory profiler, and the figures are extrapolated: memory
grows with layers, with sequences and with their product.
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
from femtogpt.training.initialization import teacher_shape
from femtogpt.training.model_teacher import ModelTeacher
from femtogpt.training.optimizer import Optimizer
from femtogpt.training.precision import Precision

CUDA_BYTES = 0.6e9  # of a card, taken by CUDA and its libraries
FRAGMENTATION = 0.05  # share of a card's memory lost between tensors
CPU_SEQUENCES = 16  # the largest micro-batch on a CPU: more is no faster there
LOSS_PART = "loss and copies of the weights"
TEACHER_PART = "teacher"
LOGIT_BYTES = 14  # for each logit: itself in two, softmax and gradient in four each
TAUGHT_BYTES = 8  # for each logit too, if there is a teacher: its probability, alone and weighed


@dataclass(frozen=True)
class Plan:
    """The needs of one training in bytes, tokens and floating-point operations."""

    parameters: int
    fixed: dict[str, int]  # bytes by part, whatever the micro-batch
    per_sequence: int  # bytes of activations and their gradients
    stepping: int  # bytes that the optimizer's step takes, when activations are free again
    tokens: int  # trained on, in each generation; 0 if the number of steps is not resolved
    flops: float  # of all generations
    last_flops: float  # of the last one

    def memory(self, sequences: int) -> int:
        """Bytes with micro-batches of so many sequences."""
        loss = self.fixed[LOSS_PART]
        held = sum(self.fixed.values()) - loss
        return held + max(loss + sequences * self.per_sequence, self.stepping)

    def fitting(self, memory: float) -> int:
        """The largest micro-batch that fits in ``memory`` bytes; 0 if none does."""
        if self.memory(0) > memory:
            return 0
        return max(0, int((memory - sum(self.fixed.values())) // self.per_sequence))

    def sharded(self, processes: int) -> Plan:
        """The needs of each process where FSDP divides weights and states among them."""
        divided = {
            name: size if name == TEACHER_PART else size // processes
            for name, size in self.fixed.items()
        }
        return replace(self, fixed=divided)


def plan(
    model: ModelConfig,
    config: TrainConfig,
    vocab_size: int,
    dtype: torch.dtype,
    device: str = "cpu",
) -> Plan:
    """Plan a training on a kind of device (cpu, cuda) with matrix products in ``dtype``."""
    if dtype == torch.float16:
        dtype = torch.bfloat16  # as large, and far faster on a CPU
    rows = rows_at_once("cpu", vocab_size)
    few = -(-rows // model.context)  # sequences: with more the loss takes no more memory
    more = few + 2
    peaks = {
        (layers, count): peaks_of_step(
            model.model_copy(update={"layers": layers}), config, vocab_size, count, dtype
        )
        for layers, count in product((2, 4), (few, more))
    }
    by_sequence = {
        layers: (peaks[layers, more][0] - peaks[layers, few][0]) / 2 for layers in (2, 4)
    }
    base = {layers: peaks[layers, few][0] - few * by_sequence[layers] for layers in (2, 4)}
    beyond = (model.layers - 2) / 2

    def extended(two: float, four: float) -> int:
        return round(two + beyond * (four - two))

    constant = extended(base[2], base[4])
    stepping = extended(peaks[2, few][1], peaks[4, few][1])
    parameters = model.parameters(vocab_size)
    hidden = parameters - vocab_size * model.width
    states = 4 * (hidden if config.optimizer == "muon" else 2 * hidden) + 8 * (parameters - hidden)
    parts = {"weights": 4 * parameters, "gradients": 4 * parameters, "optimizer": states}
    held = sum(parts.values())
    rest = max(0, constant - held)
    teacher = _teacher(model, config)
    logit_bytes = LOGIT_BYTES + (TAUGHT_BYTES if teacher else 0)
    rest += logit_bytes * vocab_size * (rows_at_once(device, vocab_size) - rows)
    if config.ema:
        parts["ema"] = 4 * parameters
    tokens = (config.max_steps or 0) * config.batch_size * model.context
    own_flops, teaching_flops = tokens * model.flops_per_token(vocab_size), 0.0
    if teacher is not None:
        head = vocab_size * teacher.width * (0 if dtype == torch.float32 else dtype.itemsize)
        parts[TEACHER_PART] = 4 * teacher.parameters(vocab_size) + head
        teaching_flops = tokens * teacher.flops_per_token(vocab_size) / 3  # the forward pass alone
    taught = config.generations if config.teacher else config.generations - 1
    return Plan(
        parameters,
        {**parts, LOSS_PART: rest},
        extended(by_sequence[2], by_sequence[4]),
        max(0, stepping - held),
        tokens,
        config.generations * own_flops + taught * teaching_flops,
        own_flops + teaching_flops,
    )


def _teacher(model: ModelConfig, config: TrainConfig) -> ModelConfig | None:
    """The shape of the teacher, if there is one."""
    if config.teacher is not None:
        return teacher_shape(config.teacher)
    return model if config.generations > 1 else None


def micro_batch_size(
    model: ModelConfig,
    config: TrainConfig,
    vocab_size: int,
    precision: Precision,
    processes: int = 1,
) -> int:
    """Sequences per micro-batch: as set, or the most of a process's batch that fit in memory."""
    batch = config.batch_size // processes
    if config.micro_batch is not None:
        return divisor(batch, config.micro_batch)
    limit = None if config.memory_gb is None else config.memory_gb * 1e9
    most = batch
    if precision.device.type == "cpu":
        most = min(most, CPU_SEQUENCES)
    elif limit is None:
        limit = usable(torch.cuda.mem_get_info(precision.device)[0])
    if limit is not None:
        needs = plan(model, config, vocab_size, precision.dtype, precision.device.type)
        if config.parallel == "fsdp":
            needs = needs.sharded(processes)
        most = min(most, max(1, needs.fitting(limit)))
    return divisor(batch, most)


def divisor(batch_size: int, most: int) -> int:
    """The largest micro-batch of at most ``most`` sequences that divides a batch evenly."""
    return max(n for n in range(1, max(1, most) + 1) if batch_size % n == 0)


def usable(memory: float) -> float:
    """The bytes that tensors may take on a card with ``memory`` bytes free."""
    return memory * (1 - FRAGMENTATION) - CUDA_BYTES


def peaks_of_step(
    model_config: ModelConfig,
    config: TrainConfig,
    vocab_size: int,
    sequences: int,
    dtype: torch.dtype,
) -> tuple[int, int]:
    """The peak bytes of tensors on the CPU, during the gradient and during the optimizer's step."""
    model, optimizer, gradient = _step(model_config, config, vocab_size, sequences, dtype)
    gradient()
    optimizer.step()  # the first one makes its states
    held = sum(4 * parameter.numel() for parameter in model.parameters())
    held += sum(
        value.numel() * value.element_size()
        for part in optimizer.parts
        for state in part.state.values()
        for value in state.values()
        if isinstance(value, torch.Tensor)
    )
    optimizer.zero_grad()
    most, left = _profiled(gradient)
    return held + most, held + left + _profiled(optimizer.step)[0]


def _profiled(function: Callable[[], None]) -> tuple[int, int]:
    """The peak of bytes that a function allocates, and the bytes that it leaves allocated."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "9")  # or it writes to standard error
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        function()
    now = most = 0
    for event in profiled.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()
            most = max(most, now)
    return most, now


def speed(model: ModelConfig, config: TrainConfig, vocab_size: int, precision: Precision) -> float:
    """Tokens per second of a training step on this device, not compiled: the best of four."""
    sequences = micro_batch_size(model, config, vocab_size, precision)
    device = str(precision.device)
    _, optimizer, gradient = _step(model, config, vocab_size, sequences, precision.dtype, device)
    best = float("inf")
    for _ in range(4):
        start = time.perf_counter()
        gradient()
        optimizer.step()
        if precision.device.type == "cuda":
            torch.cuda.synchronize(precision.device)
        best = min(best, time.perf_counter() - start)
    return sequences * model.context / best


def _step(
    model_config: ModelConfig,
    config: TrainConfig,
    vocab_size: int,
    sequences: int,
    dtype: torch.dtype,
    device: str = "cpu",
) -> tuple[GPT, Optimizer, Callable[[], None]]:
    """A new model, its optimizer, and a function that computes a gradient on made-up tokens.

    Where the training has a teacher, a new model of its shape teaches.
    """
    random = torch.get_rng_state()
    model = GPT(model_config, vocab_size).to(device)
    model.recompute = config.activation_checkpointing
    model.eos = 0 if config.document_mask else None
    optimizer = Optimizer(model, config, 0.0, dtype)  # weight decay takes no memory
    shape = _teacher(model_config, config)
    teacher = None if shape is None else ModelTeacher(GPT(shape, vocab_size).to(device), dtype)
    ids = torch.randint(vocab_size, (sequences, model_config.context)).to(device)
    torch.set_rng_state(random)

    def gradient() -> None:
        kind = ids.device.type
        soft = None if teacher is None else teacher.targets(ids, config.teacher_share)
        with torch.autocast(kind, dtype=dtype, enabled=dtype != torch.float32):
            loss = model(ids, ids, soft=soft)
        loss.backward()

    return model, optimizer, gradient
