"""The head and its loss in one, some rows at a time: the logits of a batch never stand in memory.

The gradient of cross-entropy is softmax less one-hot, so that it can be had in the forward pass,
while the logits are at hand (as in Hsu et al. 2024, Liger Kernel, arXiv 2410.10989).

Shapes: N tokens, C width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

IGNORED = -100  # a target that does not count
LOGITS = {"cpu": 1 << 21, "cuda": 1 << 24}  # computed at once: what a cache, and what a card holds

Gradient = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def softmax_gradient(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The summed nats of ``targets`` (N,) and their gradient by ``logits`` (N, V), in its format.

    In one function, in float32: compiled, it passes over the logits once or twice.
    """
    rows = logits.float()
    counted = (targets != IGNORED)[:, None].float()
    right = targets.clamp(min=0)[:, None]
    peak = rows.amax(-1, keepdim=True)
    powers = (rows - peak).exp()
    total = powers.sum(-1, keepdim=True)
    nats = ((total.log() + peak - rows.gather(-1, right)) * counted).sum()
    gradient = (powers * (counted / total)).scatter_add(-1, right, -counted)
    return nats, gradient.to(logits.dtype)


def linear_cross_entropy(
    hidden: Tensor, weight: Tensor, targets: Tensor, gradient: Gradient = softmax_gradient
) -> Tensor:
    """The mean nats per token of ``targets`` (N,) after logits ``hidden @ weight.T``.

    ``hidden`` (N, C), ``weight`` (V, C); targets of IGNORED do not count. Matrix products are in
    the format of autocast where it is on; sums are in float32.
    """
    return _LinearCrossEntropy.apply(_in_format(hidden), weight, targets, gradient)


@torch.no_grad()
def token_nats(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """The nats of each target, (N,) in float32; 0 for IGNORED. Without gradients."""
    hidden = _in_format(hidden)
    matrix, rows = weight.to(hidden.dtype), rows_at_once(hidden.device.type, len(weight))
    parts = [
        F.cross_entropy((h @ matrix.t()).float(), right, ignore_index=IGNORED, reduction="none")
        for h, right in zip(hidden.split(rows), targets.split(rows), strict=True)
    ]
    return torch.cat(parts)


def _in_format(hidden: Tensor) -> Tensor:
    device = hidden.device.type
    on = torch.is_autocast_enabled(device)
    return hidden.to(torch.get_autocast_dtype(device)) if on else hidden


def rows_at_once(device: str, vocab_size: int) -> int:
    """How many rows have their logits at once: a power of two, which matrix products like."""
    most = LOGITS.get(device, LOGITS["cuda"]) // vocab_size
    return 1 << max(0, most.bit_length() - 1)


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, hidden: Tensor, weight: Tensor, targets: Tensor, gradient: Gradient) -> Tensor:
        rows = rows_at_once(hidden.device.type, len(weight))
        with torch.autocast(hidden.device.type, enabled=False):
            matrix = weight.to(hidden.dtype)
            nats = torch.zeros((), device=hidden.device)
            by_hidden, by_weight = torch.empty_like(hidden), torch.zeros_like(weight)
            for h, right, out in zip(
                hidden.split(rows), targets.split(rows), by_hidden.split(rows), strict=True
            ):
                some, by_logits = gradient(h @ matrix.t(), right)
                nats += some
                if any(ctx.needs_input_grad):
                    torch.mm(by_logits, matrix, out=out)
                    by_weight += by_logits.t() @ h
                del by_logits  # before the next are made
        ctx.count = (targets != IGNORED).sum()
        # Not yet divided by the count: in float16 so small a gradient would vanish.
        ctx.save_for_backward(by_hidden, by_weight)
        return nats / ctx.count

    @staticmethod
    def backward(ctx, by_loss: Tensor) -> tuple[Tensor, Tensor, None, None]:
        by_hidden, by_weight = ctx.saved_tensors
        factor = by_loss / ctx.count
        return by_hidden * factor.to(by_hidden.dtype), by_weight * factor, None, None
