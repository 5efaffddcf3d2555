"""The learning rate's schedule: warm-up, stable, decay (WSD; Hu et al. 2024, MiniCPM)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from femtogpt.training.settings import Continuation, ResolvedTrainConfig


class Schedule:
    """The share of the peak rate that each step trains with, and the number of steps.

    The rate rises linearly over the first ``warmup`` of the steps and falls linearly to zero over
    the last ``decay`` of them. Where the training continues an earlier one, this holds for the
    steps from there on, and the rate rises from where it was. A function of the settings alone,
    but for ``decay_from``, so a resumed training has the same schedule.
    """

    def __init__(self, config: ResolvedTrainConfig, continuations: Sequence[Continuation] = ()):
        self.config = config
        self.steps = config.max_steps  # in all
        self.continuations = continuations

    @property
    def start(self) -> int:
        """The step at which the schedule begins: 0, or where an earlier training ended."""
        return self.continuations[-1].step if self.continuations else 0

    def factor(self, step: int) -> float:
        """The share of the peak rate at a step (from 0); one before ``start`` is not ours."""
        before = self.continuations[-1].rate if self.continuations else 0.0
        rising = self.config.warmup * (self.config.max_steps - self.start)
        risen = before + (1 - before) * (step - self.start + 1) / rising if rising else 1.0
        return min(1.0, risen, self.fall(step))

    def fall(self, step: int) -> float:
        """What is left, at a step, of what falls to zero with the rate: 1 until it falls."""
        falling = self.config.decay * (self.steps - self.start)
        return max(0.0, min(1.0, (self.steps - step) / falling)) if falling else 1.0

    def decay_from(self, step: int) -> bool:
        """End earlier: let the rate fall from ``step`` on, as if so few steps had been planned.

        False, and nothing changes, if the rate is falling already or never does.
        """
        if self.config.decay >= 1:
            return False
        end = self.start + math.ceil((step - self.start) / (1 - self.config.decay))
        if not step < end < self.steps:
            return False
        self.steps = end
        return True
