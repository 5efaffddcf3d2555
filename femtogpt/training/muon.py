"""Muon (Jordan 2024, https://kellerjordan.github.io/posts/muon/): steps of orthogonal matrices.

torch's own, but for the Newton-Schulz iterations: in the format that the device multiplies fast
(torch's are in bfloat16, which Turing only emulates), on matrices of one shape together (fewer,
larger products), and on whole matrices where FSDP has them in parts.
"""

from __future__ import annotations

import math
from collections import defaultdict

import torch
from torch import Tensor

from femtogpt.training.distributed import spread_like, whole

TOGETHER = 1 << 21  # numbers in the matrices that are iterated at once: more is no faster


class Muon(torch.optim.Muon):
    """torch.optim.Muon with iterations in ``dtype``; its arguments, groups and state."""

    def __init__(self, parameters: list[Tensor], dtype: torch.dtype, **arguments):
        super().__init__(parameters, **arguments)
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """A step along the gradients that are there; their orthogonal parts are not kept."""
        for group in self.param_groups:
            of_shape = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    of_shape[weight.shape].append(weight)
            for shape, weights in of_shape.items():
                count = max(1, TOGETHER // shape.numel())
                for start in range(0, len(weights), count):
                    self._step_together(group, weights[start : start + count])

    def _step_together(self, group: dict, weights: list[Tensor]) -> None:
        stack = torch.stack([whole(self._update(group, weight)) for weight in weights])
        steps = orthogonal(stack, group["ns_coefficients"], group["ns_steps"], self.dtype)
        rows, columns = weights[0].shape
        rate = group["lr"] * math.sqrt(max(1, rows / columns))
        for weight, step in zip(weights, steps, strict=True):
            weight.mul_(1 - group["lr"] * group["weight_decay"])
            weight.add_(spread_like(step.to(weight.dtype), weight), alpha=-rate)

    def _update(self, group: dict, weight: Tensor) -> Tensor:
        """The gradient after momentum (Nesterov's)."""
        state, momentum = self.state[weight], group["momentum"]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight.grad)
        mean = state["momentum_buffer"].lerp_(weight.grad, 1 - momentum)
        return weight.grad.lerp(mean, momentum) if group["nesterov"] else mean


def orthogonal(
    matrices: Tensor,
    coefficients: tuple[float, float, float],
    steps: int,
    dtype: torch.dtype,
    eps: float = 1e-12,
) -> Tensor:
    """Nearly orthogonal matrices of the same singular vectors: (N, R, C), all at once.

    Newton-Schulz in ``dtype``: an odd polynomial of degree five drives singular values to about 1.
    """
    a, b, c = coefficients
    turned = matrices.shape[1] > matrices.shape[2]
    # Of norm 1 before the change of format: small gradients would vanish in float16.
    x = (matrices / matrices.norm(dim=(1, 2), keepdim=True).clamp(min=eps)).to(dtype)
    x = x.mT if turned else x
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if turned else x
