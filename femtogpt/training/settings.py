"""Resolved training settings: every number that a training needs, decided in one place.

A configuration leaves the number of steps, the weight decay and the intervals open where they
follow from the text. ``resolve`` decides them; the result is written as ``settings.json`` beside
the checkpoints.
"""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from femtogpt import scaling
from femtogpt.artifacts.disk import write_atomic
from femtogpt.config import Config, ModelConfig, Section, TrainConfig
from femtogpt.errors import UserError
from femtogpt.model.files import SETTINGS_FILE
from femtogpt.tokens.shards import Tokens
from femtogpt.training.initialization import lineage, teacher_origin

log = logging.getLogger(__name__)


class ResolvedTrainConfig(TrainConfig):
    """``TrainConfig`` with a value wherever a number is needed."""

    max_steps: int = Field(ge=1)
    weight_decay: float = Field(ge=0, le=10)
    # Derived from max_steps, in TrainConfig, where they are not given; the zeros are never seen.
    checkpoint_every: int = Field(0, ge=1)
    evaluate_every: int = Field(0, ge=1)
    sample_every: int = Field(0, ge=0)


class Continuation(Section):
    """Where a training with a raised ``max_steps`` took over an earlier one."""

    step: int = Field(ge=1, description="optimizer steps that the earlier training had done")
    rate: float = Field(ge=0, le=1, description="share of the peak rate at that step")


class TrainingSettings(Section):
    """All that determines a training, besides the tokens: the content of ``settings.json``."""

    model: ModelConfig
    train: ResolvedTrainConfig
    seed: int
    weights: dict[str, float] = Field(default_factory=dict)  # passes over each source per epoch
    lineage: list[dict[str, str]] = Field(default_factory=list)  # see training.initialization
    teacher: dict[str, str] | None = None  # path and checksum of its weights
    continuations: tuple[Continuation, ...] = ()  # in order of steps

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON values; ``teacher`` and ``continuations`` only where given."""
        absent = {name for name in ("teacher", "continuations") if not getattr(self, name)}
        return self.model_dump(mode="json", exclude=absent)

    def write(self, run: Path) -> None:
        """Write ``settings.json`` into the folder ``run``."""
        write_atomic(run / SETTINGS_FILE, json.dumps(self.as_dict(), indent=1).encode())


def resolve(config: Config, tokens: Tokens) -> TrainingSettings:
    """Resolve the training settings of a configuration on its tokens, and log them.

    Raises UserError if ``train.init_from`` or ``train.teacher`` names no weights, for several
    generations (see ``training.generations``), and for a length that is still to be chosen.
    """
    _check_single(config.train)
    if config.train.hours is not None and config.train.max_steps is None:
        raise UserError(
            "train.hours is for make pipeline, which measures the machine first: give"
            " train.max_steps or train.epochs here"
        )
    weights = {name: source.weight for name, source in config.sources.items()}
    text = tokens_per_epoch(tokens, weights)
    model, train = config.model, resolve_train(config.train, config.model, text, tokens.vocab_size)
    log.info(
        "settings: %d layers × %d, %d heads; %s steps of %d sequences of %d tokens, %.1f epochs;"
        " peak rates %g and %g (Muon), weight decay %g",
        *(model.layers, model.width, model.heads, f"{train.max_steps:,}", train.batch_size),
        *(model.context, train.max_steps * train.batch_size * model.context / text),
        *(train.learning_rate, train.muon_learning_rate, train.weight_decay),
    )
    origins = [] if train.init_from is None else lineage(train.init_from)
    return TrainingSettings(
        model=model,
        train=train,
        seed=config.seed,
        weights=weights,
        lineage=origins,
        teacher=None if train.teacher is None else teacher_origin(train.teacher),
    )


def _check_single(train: TrainConfig) -> None:
    if train.generations > 1:
        raise UserError(
            "train.generations is for the pipeline, which trains one model after the other:"
            " set train.generations=1 here, and train.teacher for a model with a teacher"
        )


def resolve_train(
    train: TrainConfig, model: ModelConfig, text: float, vocab_size: int
) -> ResolvedTrainConfig:
    """Decide steps, intervals and weight decay for a text of ``text`` tokens per epoch.

    Raises UserError if ``train.first_context`` does not fit ``model.context``.
    """
    if train.first_context is not None and model.context % train.first_context:
        raise UserError(
            f"model.context={model.context} is no multiple of"
            f" train.first_context={train.first_context}: make it one"
        )
    tokens_per_step = train.batch_size * model.context
    epochs, max_steps, decay = train.epochs, train.max_steps, train.weight_decay
    if max_steps is None:
        epochs = epochs or scaling.epochs(model.parameters(vocab_size), text)
        max_steps = math.ceil(epochs * text / tokens_per_step)
    if decay is None:
        decay = derived_weight_decay(train, model, text, max_steps)
    resolved = {"epochs": epochs, "max_steps": max_steps, "weight_decay": decay}
    return ResolvedTrainConfig.model_validate({**train.model_dump(), **resolved})


def derived_weight_decay(
    train: TrainConfig, model: ModelConfig, text: float, max_steps: int
) -> float:
    """The weight decay of ``max_steps`` steps where none is given.

    A pass is ``text`` tokens of training: the experiments that fitted the rule count passes over
    the tokens of the train split (docs/experiments.md: 600 steps of 2,048 tokens over 175,000 are
    seven), not over the sequences that are cut from them, which leave up to a context per shard.
    """
    passes = max_steps * train.batch_size * model.context / text
    return scaling.weight_decay(passes, max_steps, train.main_rate)


def tokens_per_epoch(tokens: Tokens, weights: dict[str, float]) -> float:
    """Tokens of the train split, each source's as often as it is read in an epoch."""
    parts = tokens.index["splits"]["train"]
    return float(sum(weights.get(name, 1.0) * part["tokens"] for name, part in parts.items()))


def load_settings(run: Path, tokens: Tokens) -> TrainingSettings:
    """Load ``settings.json`` from ``run``; what it leaves open is decided by the tokens.

    Raises UserError if the file is missing or malformed, or for several generations.
    """
    try:
        content = json.loads((run / SETTINGS_FILE).read_bytes())
        model = ModelConfig.model_validate(content["model"])
        train = TrainConfig.model_validate(content["train"])
        _check_single(train)
        text = tokens_per_epoch(tokens, content.get("weights", {}))
        resolved = resolve_train(train, model, text, tokens.vocab_size)
        return TrainingSettings.model_validate({**content, "train": resolved})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise UserError(f"{run} holds no usable {SETTINGS_FILE}: {error}") from error
