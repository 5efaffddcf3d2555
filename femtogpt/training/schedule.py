"""The learning rate's course: warm-up, stable, decay (Hu et al. 2024, MiniCPM)."""

from __future__ import annotations

from femtogpt.config import TrainConfig


def rate_factor(step: int, config: TrainConfig) -> float:
    """The share of the peak rate that step ``step`` (from 0) trains with.

    It rises linearly over the first ``warmup`` of the steps and falls linearly to zero over the
    last ``decay`` of them.
    """
    rising = config.warmup * config.max_steps
    falling = config.decay * config.max_steps
    left = config.max_steps - step
    return min(1.0, (step + 1) / rising if rising else 1.0, left / falling if falling else 1.0)
