"""A moving average of the weights, which often reads better than the last ones.

Polyak & Juditsky 1992; as in Morwani et al. 2025 and the NanoGPT slowrun, where data are scarce.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from femtogpt.training.distributed import spread_like


class Average:
    """The exponential moving average of a model's parameters; with ``decay`` 0, themselves."""

    def __init__(self, model: torch.nn.Module, decay: float):
        self.decay = decay
        self.weights = [parameter.detach() for parameter in model.parameters()]
        self.mean = [weight.clone() for weight in self.weights] if decay else self.weights

    def update(self, step: int) -> None:
        """Take in the weights after step ``step`` (from 1); early on they count for more."""
        if self.decay:
            decay = min(self.decay, step / (step + 9))
            torch._foreach_lerp_(self.mean, self.weights, 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within it, the model has the average for its weights."""
        if not self.decay:
            yield
            return
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self) -> None:
        for weight, mean in zip(self.weights, self.mean, strict=True):
            kept = weight.clone()
            weight.copy_(mean)
            mean.copy_(kept)

    def state(self) -> list[torch.Tensor]:
        return self.mean if self.decay else []

    def load(self, state: list[torch.Tensor]) -> None:
        """Take over a state; where there is none, the average begins with the weights."""
        with torch.no_grad():
            for mean, saved in zip(self.mean, state or self.weights, strict=True):
                mean.copy_(spread_like(saved, mean))
