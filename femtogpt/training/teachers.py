"""The teachers of a training, and what they say together.

With both, the n-gram teaches its share, which falls to zero, and the model its share of the rest:
share of the n-gram × n-gram + (1 − share of the n-gram) × ((1 − share of the model) ×
the true token + share of the model × model).
"""

from __future__ import annotations

from collections.abc import Sequence
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
    ):
        """``begin``: the step that comes first. Raises UserError if the model cannot teach."""
        self.config = config = settings.train
        tokens_per_step = config.batch_size * settings.model.context
        self.ngram_steps = min(config.max_steps, config.ngram_tokens / tokens_per_step)
        taught = self._ngram_share(begin) > 0
        self.ngram = NGramTeacher(tokens, precision.device) if taught else None
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
        share = self._ngram_share(step)
        if not share:
            self.ngram = None
        if self.ngram is not None:
            parts.append(self.ngram.targets(inputs, targets, share))
        if self.model is not None and share < 1:
            parts.append(self.model.targets(inputs, (1 - share) * self.config.teacher_share))
        return mixed(parts)

    def _ngram_share(self, step: int) -> float:
        return self.config.ngram_share * max(0.0, 1 - step / self.ngram_steps)


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
