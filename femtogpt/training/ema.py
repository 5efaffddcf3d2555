"""The exponential moving average (EMA) of the weights, which is often better than the last ones.

Polyak & Juditsky 1992; as in Morwani et al. 2025 and the NanoGPT slowrun, where data are scarce.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from femtogpt.training.distributed import distribute_like


class EMA:
    """The moving average of a model's parameters; with ``decay`` 0, the parameters themselves."""

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
        """Within this context the model's weights are the average."""
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
        """Load a state; from an empty one the average begins with the current weights."""
        with torch.no_grad():
            for mean, saved in zip(self.mean, state or self.weights, strict=True):
                mean.copy_(distribute_like(saved, mean))
