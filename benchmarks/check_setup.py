"""What the parts of the check of a card share: sizes, trainings, and the report of a part."""

from __future__ import annotations

import gc
import itertools
import json
import logging
import math
import statistics
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from made_tokens import made_tokens

from femtogpt import scaling
from femtogpt.artifacts.disk import write_atomic
from femtogpt.config import ModelConfig, TrainConfig
from femtogpt.tokens.shards import Tokens
from femtogpt.training.distributed import Group
from femtogpt.training.loop import train
from femtogpt.training.metrics import LOSS, METRICS_FILE, read_metrics
from femtogpt.training.plan import CUDA_BYTES, usable
from femtogpt.training.precision import Precision
from femtogpt.training.settings import TrainingSettings, resolve_train
from femtogpt.training.trainer import Trainer

SIZES: dict[str, str | int] = {
    "5 M": "nano",
    "15 M": 15_000_000,
    "54 M": "home-8gb",
    "250 M": "large",
}
CARD_BYTES = 8e9  # what is allotted: the reference is a card of 8 GB
TEXT_TOKENS = 400_000
TIMED_SPANS = 5  # equal parts of a training, of whose speeds the median counts


@dataclass(frozen=True)
class Setup:
    """Where the check works and how large its trainings are."""

    work: Path  # a folder that the parts share
    is_dry: bool  # tiny trainings on the CPU, to see that the check itself works

    @property
    def device(self) -> str:
        return "cpu" if self.is_dry else "cuda"

    @cached_property
    def tokens(self) -> Tokens:
        size = (4096, 20_000) if self.is_dry else (8000, TEXT_TOKENS)
        return made_tokens(self.work / "tokens", *size)

    def model(self, size: str = "5 M", **changes: Any) -> ModelConfig:
        """The shape that the dial gives a size."""
        shape: dict[str, Any] = {"layers": 2, "width": 64, "heads": 2, "context": 64}
        if not self.is_dry:
            shape = {**scaling.shape(SIZES[size], self.tokens.vocab_size), "context": 256}
        return ModelConfig(**{**shape, **changes})

    def settings(self, model: ModelConfig, steps: int, **changes: Any) -> TrainingSettings:
        """A training without samples, evaluated at its two ends, not compiled."""
        chosen: dict[str, Any] = {
            **scaling.recipe(model.width, model.context),
            "max_steps": min(steps, 8) if self.is_dry else steps,
            "compile": False,
            "precision": "float32",
            "device": self.device,
            "evaluate_tokens": 4096,
            "sample_every": 0,
        }
        if self.is_dry:
            chosen |= {"batch_size": 8, "threads": 1}
        often = {"evaluate_every": chosen["max_steps"], "checkpoint_every": chosen["max_steps"]}
        config = TrainConfig.model_validate({**chosen, **often, **changes})
        text = self.tokens.total("train")
        resolved = resolve_train(config, model, text, self.tokens.vocab_size)
        return TrainingSettings(model=model, train=resolved, seed=0)

    def train(self, name: str, settings: TrainingSettings, steps: int | None = None) -> Course:
        """Train in the folder ``name``, without checkpoints; ``steps``: no more than so many."""
        run, left = self.work / name, 0  # left: bytes that an earlier training has left
        run.mkdir(parents=True, exist_ok=True)
        if not self.is_dry:
            gc.collect()
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
            left = torch.cuda.memory_allocated()
        precision = Precision(settings.train)
        with _logged() as lines:
            trainer = Trainer(settings, self.tokens, run, Group(), precision)
            with closing(trainer):
                trainer.evaluate()
                while trainer.step < (steps or settings.train.max_steps):
                    trainer.set_rate()
                    loss = trainer.compute_gradient(*trainer.next_batch())
                    trainer.report_step(loss, trainer.optimizer_step())
                if trainer.is_last_step:
                    trainer.evaluate()
        peak = 0 if self.is_dry else torch.cuda.max_memory_allocated() - left
        sequences, scale = trainer.gradient.sequences, precision.scaler.get_scale()
        return Course(run, settings, lines, peak, sequences, scale)

    def run(self, name: str, settings: TrainingSettings) -> Course:
        """Train in the folder ``name`` as a person does, with checkpoints and final weights."""
        run = self.work / name
        run.mkdir(parents=True, exist_ok=True)
        settings.write(run)
        train(settings, self.tokens, run)
        return Course(run, settings)

    def allot(self, memory: float | None) -> None:
        """Let this process have so many bytes of the card; None: all of them."""
        if not self.is_dry:
            total = torch.cuda.get_device_properties(0).total_memory
            torch.cuda.empty_cache()
            share = 1.0 if memory is None else min(1.0, memory / total)
            torch.cuda.set_per_process_memory_fraction(share)

    def allot_small_card(self) -> float:
        """Let this process have what a card of 8 GB has; gives the gigabytes left for tensors."""
        memory = CARD_BYTES
        if not self.is_dry:
            memory = min(memory, torch.cuda.mem_get_info()[0])
            self.allot(memory - CUDA_BYTES)  # which the allocator does not count
        return usable(memory) / 1e9


@dataclass(frozen=True)
class Course:
    """A training that was run, and what it left."""

    run: Path
    settings: TrainingSettings
    log: list[str] = field(default_factory=list)
    peak_memory: int = 0  # bytes of tensors on the card
    sequences: int = 0  # of a micro-batch at the end
    scale: float = 1.0  # of the loss at the end

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        return read_metrics(self.run / METRICS_FILE)

    @property
    def steps(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if "train_loss" in line]

    @property
    def losses(self) -> list[float]:
        """The loss of each step, in nats per token."""
        return [line["train_loss"] for line in self.steps]

    @property
    def held_out(self) -> list[float]:
        """The held-out loss at the beginning and at the end."""
        return [line[LOSS] for line in self.lines if LOSS in line]

    @property
    def skipped(self) -> int:
        """Steps without a finite gradient, which the metrics leave out."""
        return sum("gradient_norm" not in line for line in self.steps)

    @property
    def tokens_per_second(self) -> float:
        """In the steady state: the median of equal spans, the first steps left out."""
        times = [(line["step"], line["seconds"]) for line in self.steps][2:]
        spans = min(TIMED_SPANS, len(times) - 1)
        bounds = [round(number * (len(times) - 1) / spans) for number in range(spans + 1)]
        config, context = self.settings.train, self.settings.model.context
        speeds = []
        for first, last in itertools.pairwise(bounds):
            (step, start), (later, end) = times[first], times[last]
            speeds.append((later - step) / max(1e-3, end - start))  # seconds have three decimals
        return statistics.median(speeds) * config.batch_size * context

    def said(self, words: str) -> str:
        """The first line of the log with these words; empty if there is none."""
        return next((line for line in self.log if words in line), "")

    def difference(self, other: Course, steps: int | None = None) -> float:
        """The largest difference of the losses of those steps, or the first ones, that both have.

        Not a number if they have none.
        """
        pairs = list(zip(self.losses, other.losses, strict=False))[:steps]
        return max((abs(ours - theirs) for ours, theirs in pairs), default=math.nan)


class Report:
    """What a part found, kept in a file from the first figure on: a part may be ended."""

    def __init__(self, file: Path):
        self.file = file
        self.checks: list[dict[str, Any]] = []
        self.figures: dict[str, Any] = {}
        self.is_complete = False
        self._write()

    def most(self, what: str, figure: float, limit: float) -> None:
        """It passes if the figure is at most ``limit``."""
        self._check(what, figure, "≤", limit, figure <= limit)

    def least(self, what: str, figure: float, limit: float) -> None:
        """It passes if the figure is at least ``limit``."""
        self._check(what, figure, "≥", limit, figure >= limit)

    def holds(self, what: str, passed: bool) -> None:
        """It passes if it is true."""
        self._check(what, None, "", None, passed)

    def note(self, **figures: Any) -> None:
        """Figures that no limit is set for."""
        self.figures |= figures
        self._write()

    def complete(self) -> None:
        """Say that the part came to its end."""
        self.is_complete = True
        self._write()

    def _check(self, what: str, figure: Any, sign: str, limit: Any, passed: bool) -> None:
        if figure is not None and not math.isfinite(figure):
            figure, passed = None, False  # JSON has no such number
        found = {"what": what, "figure": figure, "sign": sign, "limit": limit}
        self.checks.append({**found, "passed": bool(passed)})
        self._write()

    def _write(self) -> None:
        content = {"checks": self.checks, "figures": self.figures, "complete": self.is_complete}
        write_atomic(self.file, json.dumps(content, indent=1, ensure_ascii=False).encode())


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def _logged() -> Iterator[list[str]]:
    """Collects the lines that the project logs."""
    handler, log = _Lines(), logging.getLogger("femtogpt")
    log.addHandler(handler)
    try:
        yield handler.lines
    finally:
        log.removeHandler(handler)
