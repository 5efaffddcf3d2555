"""The head and its loss fused, a few rows at a time: the batch's logits are never in memory.

The gradient of cross-entropy is softmax minus one-hot, so it is computed in the forward pass, while
the logits are in memory (as in Hsu et al. 2024, Liger Kernel, arXiv 2410.10989).

Shapes: N tokens, C width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor

IGNORED = -100  # a target that does not count
LOGITS_AT_ONCE = {"cpu": 1 << 21, "cuda": 1 << 24}  # computed at once: what a cache or a card holds

Gradient = Callable[..., tuple[Tensor, Tensor]]  # as softmax_gradient


class Teacher(Protocol):
    """Another model's probabilities of the next token at N positions."""

    def rows(self, start: int, stop: int) -> Tensor:
        """Those of positions ``start`` to ``stop``, (stop − start, V), until the next call.

        They are in float32.
        """


@dataclass(frozen=True)
class SoftTargets:
    """Targets of which the share ``share`` () is a teacher's, and the rest the true token's."""

    teacher: Teacher
    share: Tensor


def softmax_gradient(
    logits: Tensor, targets: Tensor, taught: Tensor | None = None, share: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The summed nats of ``targets`` (N,), and the gradient by ``logits`` (N, V) in their format.

    With ``taught`` (N, V) the gradient is that of the cross-entropy to (1 − share) × the target +
    share × taught; the nats stay those of the targets. Computed in float32, in one function:
    compiled, it passes over the logits once or twice.
    """
    rows = logits.float()
    counted = (targets != IGNORED)[:, None].float()
    right = targets.clamp(min=0)[:, None]
    peak = rows.amax(-1, keepdim=True)
    powers = (rows - peak).exp()
    total = powers.sum(-1, keepdim=True)
    nats = ((total.log() + peak - rows.gather(-1, right)) * counted).sum()
    if taught is None or share is None:
        gradient = (powers * (counted / total)).scatter_add(-1, right, -counted)
    else:
        gradient = powers * (counted / total) - taught * (counted * share)
        gradient = gradient.scatter_add(-1, right, -counted * (1 - share))
    return nats, gradient.to(logits.dtype)


def linear_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    gradient: Gradient = softmax_gradient,
    soft: SoftTargets | None = None,
) -> Tensor:
    """The mean nats per token of ``targets`` (N,) after logits ``hidden @ weight.T``.

    ``hidden`` (N, C), ``weight`` (V, C); targets of IGNORED do not count. ``soft`` changes the
    gradient alone, which is then that of the cross-entropy to soft targets. Matrix products are in
    autocast's format where it is enabled; sums are in float32.
    """
    apply = cast(Callable[..., Tensor], _LinearCrossEntropy.apply)
    return apply(in_format(hidden), weight, targets, gradient, soft)


@torch.no_grad()
def token_nats(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """The loss in nats of each target, (N,) in float32; 0 for IGNORED. Without gradients."""
    hidden = in_format(hidden)
    matrix, rows = weight.to(hidden.dtype), rows_at_once(hidden.device.type, len(weight))
    parts = [
        F.cross_entropy((h @ matrix.t()).float(), right, ignore_index=IGNORED, reduction="none")
        for h, right in zip(torch.split(hidden, rows), torch.split(targets, rows), strict=True)
    ]
    return torch.cat(parts)


def in_format(hidden: Tensor) -> Tensor:
    """Hidden states in the format of autocast's products, where it is enabled."""
    device = hidden.device.type
    on = torch.is_autocast_enabled(device)
    return hidden.to(torch.get_autocast_dtype(device)) if on else hidden


def rows_at_once(device: str, vocab_size: int) -> int:
    """Rows whose logits are computed at once: a power of two, which suits matrix products."""
    most = LOGITS_AT_ONCE.get(device, LOGITS_AT_ONCE["cuda"]) // vocab_size
    return 1 << max(0, most.bit_length() - 1)


class LossOfHead(torch.autograd.Function):
    """A loss whose gradients by hidden states and head its forward pass has computed already.

    It keeps them, not yet divided by ``ctx.count``, the number of targets.
    """

    @staticmethod
    def backward(ctx: Any, by_loss: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        by_hidden, by_weight = ctx.saved_tensors
        factor = by_loss / ctx.count
        return by_hidden * factor.to(by_hidden.dtype), by_weight * factor, None, None, None


class _LinearCrossEntropy(LossOfHead):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        targets: Tensor,
        gradient: Gradient,
        soft: SoftTargets | None,
    ) -> Tensor:
        rows = rows_at_once(hidden.device.type, len(weight))
        with torch.autocast(hidden.device.type, enabled=False):
            matrix = weight.to(hidden.dtype)
            nats = torch.zeros((), device=hidden.device)
            by_hidden, by_weight = torch.empty_like(hidden), torch.zeros_like(weight)
            for start in range(0, len(hidden), rows):
                chunk = slice(start, min(start + rows, len(hidden)))
                h, right, out = hidden[chunk], targets[chunk], by_hidden[chunk]
                logits = h @ matrix.t()
                if soft is None:
                    part, by_logits = gradient(logits, right)
                else:
                    taught = soft.teacher.rows(chunk.start, chunk.stop)
                    part, by_logits = gradient(logits, right, taught, soft.share)
                del logits
                nats += part
                if any(ctx.needs_input_grad):
                    torch.mm(by_logits, matrix, out=out)
                    by_weight += by_logits.t() @ h
                del by_logits  # free them before the next are computed
        ctx.count = (targets != IGNORED).sum()
        # Divided by the count only later: in float16 so small a gradient would vanish.
        ctx.save_for_backward(by_hidden, by_weight)
        mean: Tensor = nats / ctx.count
        return mean
