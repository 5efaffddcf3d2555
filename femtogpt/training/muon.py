"""Muon (Jordan 2024, https://kellerjordan.github.io/posts/muon/): steps of orthogonal matrices.

torch's Muon with other Newton-Schulz iterations: three instead of five, in the format that the
device multiplies fast (torch's are in bfloat16, which Turing only emulates), on stacked matrices of
the same shape (fewer, larger products), and on full matrices where FSDP has them sharded.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from femtogpt.training.distributed import distribute_like, full_tensor

STACKED_NUMBERS = 1 << 21  # numbers in the matrices iterated at once: more is no faster
# Of the odd polynomials of degree five those with the least largest distance from 1: the first on
# [0.02, 1], each other one on the range of that before it (Amsel et al. 2025, arXiv 2505.16932).
# Together they take [0.02, 1] to 1 ± 0.1 (in bfloat16, which rounds, up to 1.3), and a smaller
# singular value to 55 times what it was.
POLYNOMIALS = (
    (7.711, -22.1138, 16.2487),
    (3.2153, -2.4112, 0.5013),
    (2.2183, -1.594, 0.4107),
)
MARGIN = 1.01  # for rounding in bfloat16
LEAST_SQUARE = 1e-3  # for zeros: R rows have at least 1 / √R, and float16 has no 1e-12


class Muon(torch.optim.Muon):
    """torch.optim.Muon with iterations in ``dtype``; the same arguments, groups and state."""

    def __init__(
        self, parameters: Sequence[Tensor], dtype: torch.dtype, lr: float, weight_decay: float = 0.1
    ):
        super().__init__(parameters, lr=lr, weight_decay=weight_decay)
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Step along the gradients of those weights that have one. Takes no closure."""
        for group in self.param_groups:
            of_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    of_shape[weight.shape].append(weight)
            for shape, weights in of_shape.items():
                count = max(1, STACKED_NUMBERS // shape.numel())
                for start in range(0, len(weights), count):
                    self._step_together(group, weights[start : start + count])

    def _step_together(self, group: dict[str, Any], weights: list[Tensor]) -> None:
        stack = torch.stack([full_tensor(self._update(group, weight)) for weight in weights])
        steps = orthogonalize(stack, self.dtype)
        rows, columns = weights[0].shape
        rate = group["lr"] * math.sqrt(max(1, rows / columns))
        for weight, step in zip(weights, steps, strict=True):
            weight.mul_(1 - group["lr"] * group["weight_decay"])
            weight.add_(distribute_like(step.to(weight.dtype), weight), alpha=-rate)

    def _update(self, group: dict[str, Any], weight: Tensor) -> Tensor:
        """The gradient after momentum (Nesterov's)."""
        gradient, state, momentum = weight.grad, self.state[weight], group["momentum"]
        assert gradient is not None
        if not state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        mean: Tensor = state["momentum_buffer"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(mean, momentum) if group["nesterov"] else mean


def orthogonalize(matrices: Tensor, dtype: torch.dtype, eps: float = 1e-12) -> Tensor:
    """Nearly orthogonal matrices with the same singular vectors, all (N, R, C) at once.

    Newton-Schulz in ``dtype``: odd polynomials drive singular values to about 1. These are first
    divided by a bound of the largest, the fourth root of the sum of their fourth powers, which is
    nearer to it than Frobenius' norm: that is worth an iteration.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    # Normalized before the change of format: small gradients would vanish in float16.
    x: Tensor = (matrices / matrices.norm(dim=(1, 2), keepdim=True).clamp(min=eps)).to(dtype)
    x = x.mT if tall else x
    gram = x @ x.mT
    square = gram.norm(dim=(1, 2), keepdim=True, dtype=torch.float32).clamp(min=LEAST_SQUARE)
    square *= MARGIN
    x, gram = x / square.sqrt().to(dtype), gram / square.to(dtype)
    for number, (a, b, c) in enumerate(POLYNOMIALS):
        gram = x @ x.mT if number else gram
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
