"""The plan of a training in words: does it fit, how long will it take, what to change if not."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from femtogpt.config import Config
from femtogpt.errors import UserError, nearest
from femtogpt.training.plan import Plan, divisor, plan, speed, usable
from femtogpt.training.precision import Precision
from femtogpt.training.training_stage import settled


@dataclass(frozen=True)
class Card:
    """A device by what its maker states."""

    tflops: float  # of matrix products in ``format``, sums in float32
    memory_gb: float
    format: str


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
SHARE = 0.25  # of what the maker states, in a training of a small model: an assumption
HERE = "here"


def outlook(config: Config, tokens: int | None, vram: str | None, device: str | None) -> str:
    """The plan of a configuration's training as lines of text.

    ``tokens``: of its train split, where they are known; ``vram``: as 8GB; ``device``: one of
    CARDS or ``here``. Raises UserError for what cannot be read.
    """
    if device not in (None, HERE, *CARDS):
        names = ", ".join((*CARDS, HERE))
        raise UserError(f"device {device!r} is unknown{nearest(device, CARDS)}; there are: {names}")
    card, given = CARDS.get(device or ""), _bytes(vram) if vram else None
    if config.train.max_steps is None:
        if tokens is None:
            raise UserError("how long to train follows from the text: give --tokens, as 11_000_000")
        config = settled(config, tokens, config.tokenizer.vocab_size)
    here = Precision(config.train)
    chosen = config.train.precision
    name = here.name if chosen == "auto" and card is None else chosen
    if name == "auto":
        name = card.format
    on_card = bool(vram or card or here.device.type == "cuda")
    found = plan(
        config.model,
        config.train,
        config.tokenizer.vocab_size,
        getattr(torch, name),
        "cuda" if on_card else "cpu",
    )
    if config.train.parallel == "fsdp":
        found = found.spread(config.train.processes)
    memory = given or (card.memory_gb * 1e9 if card else _memory(here))
    return "\n".join(
        [
            *_model(config, found, name),
            *_fit(config, found, memory, on_card),
            *_course(config, found, tokens),
            *_time(config, found, here, device),
        ]
    )


def _model(config: Config, found: Plan, name: str) -> Iterator[str]:
    model = config.model
    yield (
        f"Model       {model.layers} layers × {model.width}, {model.heads} heads, context"
        f" {model.context}: {found.parameters / 1e6:.2f} M parameters, in {name}"
    )
    parts = ", ".join(f"{part} {size / 1e6:,.0f} MB" for part, size in found.fixed.items())
    yield f"Memory      {parts};"
    yield f"            and {found.per_window / 1e6:,.1f} MB for each window computed at once"


def _fit(config: Config, found: Plan, memory: float, on_card: bool) -> Iterator[str]:
    processes = config.train.processes
    batch = config.train.batch_size // processes
    limit = usable(memory) if on_card else memory
    most = found.fitting(limit)
    size = f"{memory / 1e9:.3g} GB"
    if most >= 1:
        asked = config.train.micro_batch
        windows = asked or divisor(batch, min(batch, most))
        if windows <= most:
            its = "the batch" if processes == 1 else f"each of {processes} processes' share"
            parts = f"in {batch // windows} parts of {windows}" if windows < batch else "at once"
            yield (
                f"Fits {size:<6} yes: {its} of {batch} windows {parts} takes"
                f" {found.memory(windows) / 1e9:.2f} GB; at most {most:,} windows at once"
            )
            return
        yield f"Fits {size:<6} no: {windows} windows take {found.memory(windows) / 1e9:.2f} GB"
        yield f"            set train.micro_batch={divisor(batch, most)}, or leave it out"
        return
    one = found.memory(1) / 1e9
    yield f"Fits {size:<6} no: a single window takes {one:.2f} GB"
    if not config.train.activation_checkpointing:
        yield "            try train.activation_checkpointing=true, or a smaller model.size"
    else:
        yield "            choose a smaller model.size or model.context"


def _course(config: Config, found: Plan, tokens: int | None) -> Iterator[str]:
    train = config.train
    line = (
        f"Training    {train.max_steps:,} steps × {train.batch_size} windows ="
        f" {found.tokens / 1e6:,.2f} M tokens"
    )
    if tokens:
        line += f", {found.tokens / tokens:.1f} epochs of {tokens / 1e6:,.2f} M"
        each = tokens / found.parameters
        line += f" ({each:.2f} tokens of text per parameter)"
    else:
        line += "; the corpus is not made yet: give --tokens to see epochs"
    yield f"{line}; {found.flops / 1e15:.3g} PFLOP"


def _time(config: Config, found: Plan, here: Precision, device: str | None) -> Iterator[str]:
    if device in CARDS:
        card = CARDS[device]
        cards = config.train.processes
        which = f"{device}, if it" if cards == 1 else f"{cards} × {device}, if each"
        seconds = found.flops / (cards * SHARE * card.tflops * 1e12)
        yield (
            f"Time        {_duration(seconds)} on {which} reaches {SHARE:.0%} of the"
            f" {card.tflops:g} TFLOP/s that its maker states"
        )
        return
    rate = speed(config.model, config.train, config.tokenizer.vocab_size, here)
    yield (
        f"Time        {_duration(found.tokens / rate)} here ({here.device}): {rate:,.0f} tokens per"
        " second in a step not compiled, just measured"
    )


def _memory(here: Precision) -> float:
    """Bytes free on the card, or half of the processor's."""
    if here.device.type == "cuda":
        return float(torch.cuda.mem_get_info(here.device)[0])
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2


def _bytes(text: str) -> float:
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(GB|G|MB|M)?\s*", text, re.IGNORECASE)
    if found is None or not float(found[1]):
        raise UserError(f"--vram {text}: give it as 8GB")
    return float(found[1]) * (1e6 if (found[2] or "G").upper().startswith("M") else 1e9)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
