"""The settings of training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from femtogpt.section import Section, is_count

DEFAULT_EVALUATIONS = 10  # of a training after the first, by default
DEFAULT_CHECKPOINTS = 20  # of a training, by default
WHOLE_SOFTMAX = 0.25  # of the rate before it falls, below which the softmax has all tokens
DEFAULT_SAMPLES = 5  # samples of a training after the first, by default


class TrainConfig(Section):
    """Training: its length, optimizer, device and checkpoints."""

    init_from: Path | None = Field(
        None, description="weights to start from: a run's folder, or a .safetensors file"
    )
    embedding_init: Literal["random", "cooccurrence"] = Field(
        "random",
        description="embeddings without init_from; cooccurrence: from which tokens stand beside"
        " which in the text",
    )
    max_steps: int | None = Field(None, ge=1, description="optimiser steps; default: by epochs")
    epochs: float | None = Field(
        None, gt=0, description="passes over the text; default: from parameters and tokens"
    )
    hours: float | None = Field(
        None,
        ge=0.05,
        le=10_000,
        description="instead: time to train; size, batch and steps are chosen to learn most in it",
    )
    hours_without_card: float | None = Field(
        None, ge=0.05, le=10_000, description="hours, where there is no card and none are given"
    )
    batch_size: int = Field(
        8, ge=1, description="sequences of one context length per step; default: from model.width"
    )
    first_context: int | None = Field(
        None,
        ge=1,
        description="tokens that attention reaches until the learning rate falls, of which"
        " model.context is a multiple; default: model.context",
    )
    micro_batch: int | None = Field(
        None, ge=1, description="sequences computed at once; default: what fits in memory"
    )
    memory_gb: float | None = Field(
        None, gt=0, description="memory to use, for micro_batch; default: the card's"
    )
    activation_checkpointing: bool = Field(
        False, description="recompute layers in the backward pass: less memory, more time"
    )
    input_noise: float = Field(
        0.0, ge=0, lt=1, description="share of the inputs that are replaced by any token"
    )
    document_mask: bool = Field(
        False, description="attention sees nothing of earlier documents in a sequence"
    )
    softmax_tokens: int | None = Field(
        None,
        ge=3,
        description="tokens of the vocabulary in the softmax of a step, two thirds the most"
        " frequent ones and one third drawn, until the learning rate is low; default: all",
    )
    optimizer: Literal["muon", "adamw"] = Field(
        "muon", description="muon: Muon for hidden matrices, AdamW for the rest; adamw: only AdamW"
    )
    learning_rate: float = Field(
        0.012, gt=0, le=1, description="peak learning rate of AdamW; default: from model.width"
    )
    subword_rate: float = Field(
        0.0,
        ge=0,
        le=10,
        description="rate of the embedding's steps that tokens share by their spelling, as a share"
        " of AdamW's; 0: none",
    )
    muon_learning_rate: float = Field(0.01, gt=0, le=1, description="peak learning rate of Muon")
    beta2: float = Field(
        0.95, ge=0, lt=1, description="decay of AdamW's squared gradients; default: from the batch"
    )
    weight_decay: float | None = Field(
        None, ge=0, le=10, description="decoupled, only on matrices; default: from epochs and steps"
    )
    warmup: float = Field(0.02, ge=0, le=1, description="share of steps with rising rate")
    decay: float = Field(0.5, ge=0, le=1, description="share of steps with falling rate")
    clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    ema: float = Field(
        0.0, ge=0, lt=1, description="decay of the moving average (EMA) of the weights; 0: none"
    )
    patience: int | None = Field(
        None, ge=1, description="stop after so many evaluations without a better held-out loss"
    )
    ngram_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of an n-gram model's distribution in the targets of the first step, from"
        " where it falls to 0; 0: none",
    )
    ngram_tokens: int = Field(
        1_000_000, ge=1, description="tokens over which it falls; all of them in a shorter training"
    )
    teacher: Path | None = Field(
        None, description="a trained model that teaches this one: a run's folder"
    )
    teacher_share: float = Field(
        0.5, ge=0, le=1, description="share of the teacher's distribution in the targets"
    )
    generations: int = Field(
        1,
        ge=1,
        le=100,
        description="models to train, each taught by the one before; the last one is the result",
    )
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="auto: the best of the device; float16 scales the loss"
    )
    processes: int = Field(
        1, ge=1, le=1024, description="processes on this machine, one per card (torchrun)"
    )
    parallel: Literal["ddp", "fsdp"] = Field(
        "ddp", description="with several processes: each has the full model, or (fsdp) a part of it"
    )
    compile: bool | Literal["auto"] = Field(
        "auto", description="torch.compile; auto: if it saves more time than it takes"
    )
    threads: int | None = Field(None, ge=1, description="CPU threads; default: torch's choice")
    checkpoint_every: int | None = Field(
        None, ge=1, description="steps between checkpoints; default: a twentieth of all"
    )
    checkpoint_minutes: float = Field(
        10.0, gt=0, description="also after so many minutes, if steps are slow"
    )
    keep_checkpoints: int = Field(
        2, ge=1, description="how many of the newest are kept, besides the best weights"
    )
    evaluate_every: int | None = Field(
        None, ge=1, description="steps between evaluations; default: a tenth of all"
    )
    evaluate_tokens: int = Field(
        16384, ge=1, description="held-out tokens in an evaluation, spread over all documents"
    )
    sample_every: int | None = Field(
        None,
        ge=0,
        description="steps between samples, at evaluations; 0: none; default: a fifth of all",
    )

    def softmax_size(self, vocab_size: int) -> int:
        """Tokens in the softmax of a step, while not all of a vocabulary are."""
        return min(self.softmax_tokens or vocab_size, vocab_size)

    @property
    def main_rate(self) -> float:
        """The peak rate of the optimizer of the hidden matrices."""
        return self.muon_learning_rate if self.optimizer == "muon" else self.learning_rate

    @model_validator(mode="before")
    @classmethod
    def _every(cls, values: Any) -> Any:
        steps = values.get("max_steps") if isinstance(values, Mapping) else None
        if not is_count(steps):
            return values
        explicit = {name: value for name, value in values.items() if value is not None}
        derived = {
            "evaluate_every": max(1, steps // DEFAULT_EVALUATIONS),
            "checkpoint_every": max(1, steps // DEFAULT_CHECKPOINTS),
            "sample_every": -(-steps // DEFAULT_SAMPLES),
        }
        return {**values, **derived, **explicit}

    @model_validator(mode="after")
    def _fits(self) -> TrainConfig:
        if self.batch_size % (self.micro_batch or 1):
            raise ValueError(
                f"batch_size {self.batch_size} must be a multiple of micro_batch {self.micro_batch}"
            )
        if self.batch_size % self.processes:
            raise ValueError(
                f"batch_size {self.batch_size} must be a multiple of processes {self.processes}"
            )
        if self.first_context and not self.decay:
            raise ValueError("first_context lasts until the rate falls: set decay above 0")
        if self.warmup + self.decay > 1:
            raise ValueError(f"warmup {self.warmup} + decay {self.decay} must be at most 1")
        return self
