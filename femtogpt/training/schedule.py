"""The learning rate's course, warm-up, stable, decay (Hu et al. 2024, MiniCPM), and its end."""

from __future__ import annotations

import math
from collections.abc import Iterable

from femtogpt.config import TrainConfig


class Schedule:
    """How long a training is, and with which rate it takes each step.

    It is a function of the configuration and of the held-out losses so far alone, so a training
    that goes on from a checkpoint has the same. The rate rises linearly over the first ``warmup``
    of the steps and falls linearly to zero over the last ``decay`` of them. When ``patience`` is
    at its end before the rate falls, it falls from there, as if the training had been planned so
    long: most of what can be learned is learned then (Hägele et al. 2024).
    """

    def __init__(self, config: TrainConfig, losses: Iterable[float] = ()):
        self.config = config
        self.steps = config.max_steps  # in all
        self.losses: list[float] = []  # held-out, at step 0 and every ``evaluate_every`` steps
        self._since = 0  # the estimate from which patience counts
        for loss in losses:
            self.judge(loss)

    def factor(self, step: int) -> float:
        """The share of the peak rate that step ``step`` (from 0) trains with."""
        rising = self.config.warmup * self.config.max_steps
        falling = self.config.decay * self.steps
        left = self.steps - step
        return min(1.0, (step + 1) / rising if rising else 1.0, left / falling if falling else 1.0)

    def judge(self, loss: float) -> str:
        """Take in the next held-out loss; what follows from it: "go on", "decay" or "end"."""
        self.losses.append(loss)
        newest = len(self.losses) - 1
        best = self.losses.index(min(self.losses))
        patience = self.config.patience
        if patience is None or newest - max(best, self._since) < patience:
            return "go on"
        step = newest * self.config.evaluate_every
        whole = math.ceil(step / (1 - self.config.decay)) if self.config.decay < 1 else self.steps
        if not step < whole < self.steps:
            return "end"  # the rate is falling already, or never does
        self.steps, self._since = whole, newest
        return "decay"
