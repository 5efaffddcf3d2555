"""What a training will need, known before it begins: memory by part, operations, speed.

Memory is not computed from a formula. The model with two and four layers makes a step on a few
sequences, with tensors that have no numbers (``step_memory``), and the figures are extrapolated:
memory grows with layers, with sequences and with their product.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from femtogpt.config import ModelConfig, TrainConfig
from femtogpt.model.loss import rows_at_once
from femtogpt.training.made_up_step import shape_of_teacher
from femtogpt.training.precision import Precision
from femtogpt.training.step_memory import expected_peaks, gradient_without_states

CUDA_BYTES = 0.6e9  # of a card, taken by CUDA and its libraries
FRAGMENTATION = 0.05  # share of a card's memory lost between tensors
CPU_SEQUENCES = 16  # the largest micro-batch on a CPU: more is no faster there
LOSS_PART = "loss and copies of the weights"
TEACHER_PART = "teacher"
SUBWORD_PART = "subwords"
UNDIVIDED = {TEACHER_PART, SUBWORD_PART}  # by FSDP
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
            name: size if name in UNDIVIDED else size // processes
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
    shapes = {layers: model.model_copy(update={"layers": layers}) for layers in (2, 4)}
    peaks = {
        layers: expected_peaks(shape, config, vocab_size, few, dtype)
        for layers, shape in shapes.items()
    }
    more = {
        layers: gradient_without_states(shape, config, vocab_size, few + 2, dtype)
        for layers, shape in shapes.items()
    }
    by_sequence = {
        layers: (more[layers] + found.states - found.gradient) / 2
        for layers, found in peaks.items()
    }
    base = {layers: found.gradient - few * by_sequence[layers] for layers, found in peaks.items()}
    beyond = (model.layers - 2) / 2

    def extended(two: float, four: float) -> int:
        return round(two + beyond * (four - two))

    constant = extended(base[2], base[4])
    stepping = extended(peaks[2].step, peaks[4].step)
    parameters = model.parameters(vocab_size)
    hidden = parameters - vocab_size * model.width
    states = 4 * (hidden if config.optimizer == "muon" else 2 * hidden) + 8 * (parameters - hidden)
    parts = {"weights": 4 * parameters, "gradients": 4 * parameters, "optimizer": states}
    held = sum(parts.values())
    rest = max(0, constant - held)
    teacher = shape_of_teacher(model, config)
    logit_bytes = LOGIT_BYTES + (TAUGHT_BYTES if teacher else 0)
    rest += logit_bytes * vocab_size * (rows_at_once(device, vocab_size) - rows)
    if config.subword_rate:  # a vector and its moments for each n-gram: about as many as tokens
        parts[SUBWORD_PART] = 12 * vocab_size * model.width
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
