"""The teachers of a training, and what they say together.

With both, the n-gram teaches its share, which falls to zero, and the model its share of the rest:
share of the n-gram × n-gram + (1 − share of the n-gram) × ((1 − share of the model) ×
the true token + share of the model × model).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from femtogpt.model.loss import SoftTargets
from femtogpt.tokens.shards import Tokens
from femtogpt.training.model_teacher import ModelTeacher
from femtogpt.training.ngram_teacher import NGramTeacher
from femtogpt.training.precision import Precision
from femtogpt.training.settings import TrainingSettings


class Teachers:
    """The n-gram (``train.ngram_share``), the model (``train.teacher``), both or none."""

    def __init__(
        self,
        settings: TrainingSettings,
        tokens: Tokens,
        precision: Precision,
        compiled: bool,
        begin: int = 0,
        counting: Future[NGramTeacher] | None = None,
    ):
        """``begin``: the step that comes first; ``counting``: an n-gram that is being counted.

        Raises UserError if the model cannot teach.
        """
        self.settings, config = settings, settings.train
        self.ngram: NGramTeacher | None = None
        if ngram_share(settings, begin):
            self.ngram = counting.result() if counting else NGramTeacher(tokens, precision.device)
        self.model = (
            ModelTeacher.load(settings, tokens, precision, compiled)
            if config.teacher is not None and config.teacher_share
            else None
        )

    def targets(self, inputs: Tensor, targets: Tensor, step: int) -> SoftTargets | None:
        """The soft targets after each of ``inputs`` (B, T), if there are any at this step.

        Steps come in their order: once the n-gram's share is zero, its memory is freed.
        """
        parts = []
        share = ngram_share(self.settings, step)
        if not share:
            self.ngram = None
        if self.ngram is not None:
            parts.append(self.ngram.targets(inputs, targets, share))
        if self.model is not None and share < 1:
            parts.append(
                self.model.targets(inputs, (1 - share) * self.settings.train.teacher_share)
            )
        return mixed(parts)


def ngram_share(settings: TrainingSettings, step: int) -> float:
    """What the n-gram teaches at a step: a share that falls to 0."""
    config = settings.train
    taught = config.ngram_tokens / (config.batch_size * settings.model.context)
    return config.ngram_share * max(0.0, 1 - step / min(config.max_steps, taught))


def mixed(parts: Sequence[SoftTargets]) -> SoftTargets | None:
    """Soft targets in which each teacher keeps its share; the shares' sum is at most 1."""
    if len(parts) < 2:
        return parts[0] if parts else None
    share = reduce(torch.add, (part.share for part in parts))
    return SoftTargets(_Mixture(parts, share), share)


@dataclass(frozen=True)
class _Mixture:
    parts: Sequence[SoftTargets]
    share: Tensor  # of all parts together

    def rows(self, start: int, stop: int) -> Tensor:
        weighed = (
            part.teacher.rows(start, stop) * (part.share / self.share) for part in self.parts
        )
        return reduce(torch.add, weighed)
