"""The plan of a training in words: whether it fits in memory, how long it takes, what to change."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import torch

from femtogpt.config import Config, ModelConfig, TrainConfig
from femtogpt.errors import UserError, nearest
from femtogpt.scaling import is_worth_compiling
from femtogpt.scaling_law import law_for
from femtogpt.training.budget import (
    COMPILE_SECONDS,
    Budget,
    choices,
    duration,
    prospects,
    told,
)
from femtogpt.training.budget_here import speed_here
from femtogpt.training.pace import StepSeconds, pace_of
from femtogpt.training.plan import Plan, divisor, plan, usable
from femtogpt.training.precision import Precision
from femtogpt.training.settings import resolve_train


@dataclass(frozen=True)
class Card:
    """A GPU, by its maker's figures."""

    tflops: float  # of matrix products in ``format``, sums in float32
    memory_gb: float
    format: str

    @property
    def flops(self) -> float:
        """Operations per second in training."""
        return UTILISATION * self.tflops * 1e12


CARDS = {
    "rtx-2060": Card(26, 6, "float16"),
    "rtx-2070-super": Card(36, 8, "float16"),
    "rtx-3060": Card(25, 12, "bfloat16"),
    "rtx-3090": Card(71, 24, "bfloat16"),
    "rtx-4060": Card(30, 8, "bfloat16"),
    "rtx-4090": Card(165, 24, "bfloat16"),
    "t4": Card(65, 16, "float16"),
    "a100": Card(312, 80, "bfloat16"),
    "h100": Card(989, 80, "bfloat16"),
}
UTILISATION = 0.25  # of the stated speed, in training a small model: an assumption
HERE = "here"


def plan_report(config: Config, tokens: int | None, vram: str | None, device: str | None) -> str:
    """The plan of a configuration's training as lines of text.

    ``tokens``: of its train split, if known; ``vram``: such as 8GB; ``device``: one of CARDS or
    ``here``. Raises UserError if an argument is malformed.
    """
    if device is not None and device not in (HERE, *CARDS):
        names = ", ".join((*CARDS, HERE))
        raise UserError(f"device {device!r} is unknown{nearest(device, CARDS)}; there are: {names}")
    card, limit = CARDS.get(device or ""), _bytes(vram) if vram else None
    vocab_size = config.tokenizer.vocab_size
    lines: list[str] = []
    speed = cache(lambda: _speed(config, vocab_size, card))  # if it is needed, once
    if config.train.max_steps is None:
        if tokens is None:
            raise UserError(
                "the length of the training follows from the text: give --tokens, such as"
                " 11_000_000"
            )
        if config.train.hours is not None:
            config, lines = _chosen(config, tokens, vocab_size, speed())
        train = resolve_train(config.train, config.model, tokens, vocab_size)
        config = config.model_copy(update={"train": train})
    here = Precision(config.train)
    name: str = config.train.precision
    if name == "auto":
        name = here.name if card is None else card.format
    on_card = bool(vram or card or here.device.type == "cuda")
    needs = plan(
        config.model,
        config.train,
        vocab_size,
        getattr(torch, name),
        "cuda" if on_card else "cpu",
    )
    if config.train.parallel == "fsdp":
        needs = needs.sharded(config.train.processes)
    memory = limit or (card.memory_gb * 1e9 if card else _memory(here))
    return "\n".join(
        [
            *_model(config, needs, name),
            *_fit(config, needs, memory, on_card),
            *_length(config, needs, tokens),
            *_time(config, needs, tokens, here, device, speed),
            *lines,
        ]
    )


def _model(config: Config, needs: Plan, name: str) -> Iterator[str]:
    model = config.model
    yield (
        f"Model       {model.layers} layers × {model.width}, {model.heads} heads, context"
        f" {model.context}: {needs.parameters / 1e6:.2f} M parameters, in {name}"
    )
    parts = ", ".join(f"{part} {size / 1e6:,.0f} MB" for part, size in needs.fixed.items())
    yield f"Memory      {parts};"
    yield f"            and {needs.per_sequence / 1e6:,.1f} MB for each sequence of a micro-batch"


def _fit(config: Config, needs: Plan, memory: float, on_card: bool) -> Iterator[str]:
    processes = config.train.processes
    batch = config.train.batch_size // processes
    limit = usable(memory) if on_card else memory
    most = needs.fitting(limit)
    size = f"{memory / 1e9:.3g} GB"
    if most >= 1:
        micro = config.train.micro_batch or divisor(batch, min(batch, most))
        if micro <= most:
            owner = "the batch" if processes == 1 else f"each of {processes} processes' share"
            parts = f"in {batch // micro} micro-batches of {micro}" if micro < batch else "at once"
            yield (
                f"Fits {size:<6} yes: {owner} of {batch} sequences {parts} takes"
                f" {needs.memory(micro) / 1e9:.2f} GB; at most {most:,} sequences at once"
            )
            return
        yield f"Fits {size:<6} no: {micro} sequences take {needs.memory(micro) / 1e9:.2f} GB"
        yield f"            set train.micro_batch={divisor(batch, most)}, or leave it out"
        return
    yield f"Fits {size:<6} no: a single sequence takes {needs.memory(1) / 1e9:.2f} GB"
    if not config.train.activation_checkpointing:
        yield "            try train.activation_checkpointing=true, or a smaller model.size"
    else:
        yield "            choose a smaller model.size or model.context"


def _length(config: Config, needs: Plan, tokens: int | None) -> Iterator[str]:
    train = config.train
    line = (
        f"Training    {train.max_steps:,} steps × {train.batch_size} sequences ="
        f" {needs.tokens / 1e6:,.2f} M tokens"
    )
    if tokens:
        line += f", {needs.tokens / tokens:.1f} epochs of {tokens / 1e6:,.2f} M"
        line += f" ({tokens / needs.parameters:.2f} tokens of text per parameter)"
    else:
        line += "; there is no corpus yet: give --tokens to see epochs"
    times = f", {train.generations} generations of it" if train.generations > 1 else ""
    yield f"{line}{times}; {needs.flops / 1e15:.3g} PFLOP"


def _speed(config: Config, vocab_size: int, card: Card | None) -> StepSeconds:
    """Seconds of a step of any model: measured here, or by a card's figures."""
    if card is None:
        return speed_here(Budget.of(config, 0, vocab_size))[0]
    rate = config.train.processes * card.flops

    def seconds(model: ModelConfig, train: TrainConfig, compiled: bool) -> float:
        tokens = train.batch_size * model.context
        return tokens * model.flops_per_token(vocab_size) / rate

    return seconds


def _time(
    config: Config,
    needs: Plan,
    tokens: int | None,
    here: Precision,
    device: str | None,
    speed: Callable[[], StepSeconds],
) -> Iterator[str]:
    if device is not None and device in CARDS:
        card = CARDS[device]
        cards = config.train.processes
        which = f"{device}, if it" if cards == 1 else f"{cards} × {device}, if each"
        seconds = needs.flops / (cards * card.flops)
        yield (
            f"Time        {duration(seconds)} on {which} reaches {UTILISATION:.0%} of the"
            f" {card.tflops:g} TFLOP/s that its maker states"
        )
        return
    compiled = here.device.type == "cpu" and _is_compiled(config, needs)
    steps, compiling = config.train.max_steps or 0, COMPILE_SECONDS if compiled else None
    pace = pace_of(config.model, config.train, tokens or 0, compiling, speed())
    seconds = pace.seconds(steps)
    rate = steps * config.train.batch_size * config.model.context / (seconds - pace.begin)
    trainings = needs.flops / needs.last_flops if needs.last_flops else 1.0
    yield (
        f"Time        {duration(trainings * seconds)} here ({here.device}):"
        f" {rate:,.0f} tokens per second, {'compiled' if compiled else 'not compiled'},"
        " estimated from steps of small models, just measured"
    )


def _is_compiled(config: Config, needs: Plan) -> bool:
    """Whether the training will be compiled on a CPU."""
    if config.train.compile == "auto":
        return is_worth_compiling(needs.parameters, needs.tokens)
    return config.train.compile


def _chosen(
    config: Config, tokens: int, vocab_size: int, step_seconds: StepSeconds
) -> tuple[Config, list[str]]:
    """The configuration with what would be trained in its hours, and what is expected of that."""
    budget = Budget.of(config, tokens, vocab_size)
    law = law_for(config.name, config.paths.data)
    best, *_ = choices(budget, law, step_seconds)
    parts = {
        "Budget": told(best, config.train.hours or 0),
        "Or": prospects(best, budget, law, step_seconds),
    }
    lines = [
        f"{'' if number else title:12}{line}"
        for title, part in parts.items()
        for number, line in enumerate(part)
    ]
    return config.model_copy(update={"model": best.model, "train": best.train}), lines


def _memory(here: Precision) -> float:
    """Bytes that are free on the GPU, or half of the machine's memory."""
    if here.device.type == "cuda":
        return float(torch.cuda.mem_get_info(here.device)[0])
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2


def _bytes(text: str) -> float:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(GB|G|MB|M)?\s*", text, re.IGNORECASE)
    if match is None or not float(match[1]):
        raise UserError(f"--vram {text}: give it as 8GB")
    return float(match[1]) * (1e6 if (match[2] or "G").upper().startswith("M") else 1e9)
