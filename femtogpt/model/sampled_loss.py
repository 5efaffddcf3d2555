"""The head and its loss over a part of the vocabulary: sampled softmax.

The softmax of a step has the most frequent tokens and some of the rest, drawn for that step, which
stand for those that were not (Bengio & Senécal 2008, doi 10.1109/TNN.2007.912312; Jean et al. 2015,
arXiv 1412.2007). Each position's own target is always in it. So of the head's three products, which
take half of a small model's step, only these columns are computed.

Shapes: N positions, C width, V vocabulary, S tokens in the softmax.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from femtogpt.model.loss import IGNORED, LossOfHead, in_format, rows_at_once

Gradient = Callable[..., tuple[Tensor, Tensor, Tensor]]  # as sampled_gradient


@dataclass(frozen=True)
class SampledTokens:
    """The tokens of a softmax."""

    ids: Tensor  # (S,)
    log_weights: Tensor  # logs of how many tokens each stands for, (S,)
    columns: Tensor  # each token's place in ids, (V,); S if it has none


def first_tokens(size: int, vocab_size: int) -> SampledTokens:
    """The first ``size`` tokens of a vocabulary, each for itself: to measure what a step takes."""
    columns = torch.arange(vocab_size).clamp(max=size)
    return SampledTokens(torch.arange(size), torch.zeros(size), columns)


def sampled_gradient(
    logits: Tensor, own: Tensor, columns: Tensor, counted: Tensor, log_weights: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The summed nats of the targets, and the gradients by ``logits`` (N, S) and ``own`` (N, 1).

    ``own``: the logits of the targets, which are put in the place of the ``columns`` (N, 1) that
    they have among the others; ``counted`` (N, 1): 1 where the target counts. Computed in float32,
    in one function: compiled, it passes over the logits once or twice.
    """
    rows = logits.float() + log_weights
    column = columns.clamp(max=rows.shape[1] - 1)
    others = torch.where(columns == column, -torch.inf, rows.gather(-1, column))
    rows = rows.scatter(-1, column, others)
    peak = torch.maximum(rows.amax(-1, keepdim=True), own)
    powers, own_power = (rows - peak).exp(), (own - peak).exp()
    total = powers.sum(-1, keepdim=True) + own_power
    nats = ((total.log() + peak - own) * counted).sum()
    by_logits = powers * (counted / total)
    return nats, by_logits.to(logits.dtype), (own_power / total - 1) * counted


def sampled_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    sampled: SampledTokens,
    gradient: Gradient = sampled_gradient,
) -> Tensor:
    """The mean nats per token of ``targets`` (N,), as ``linear_cross_entropy`` estimates it.

    ``hidden`` (N, C), ``weight`` (V, C); targets of IGNORED do not count. With all tokens in the
    softmax it is exact.
    """
    apply = cast(Callable[..., Tensor], _SampledCrossEntropy.apply)
    return apply(in_format(hidden), weight, targets, sampled, gradient)


class _SampledCrossEntropy(LossOfHead):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        targets: Tensor,
        sampled: SampledTokens,
        gradient: Gradient,
    ) -> Tensor:
        rows = rows_at_once(hidden.device.type, len(sampled.ids))
        right, counted = targets.clamp(min=0), (targets != IGNORED)[:, None].float()
        with torch.autocast(hidden.device.type, enabled=False):
            matrix, targeted = weight[sampled.ids].to(hidden.dtype), weight[right]
            own = (hidden * targeted).sum(-1, keepdim=True)
            columns = sampled.columns[right][:, None]
            nats, by_hidden = torch.zeros((), device=hidden.device), torch.empty_like(hidden)
            by_matrix, by_own = torch.zeros_like(matrix, dtype=weight.dtype), torch.empty_like(own)
            for start in range(0, len(hidden), rows):
                part = slice(start, min(start + rows, len(hidden)))
                h = hidden[part]
                logits = h @ matrix.t()
                each = own[part], columns[part], counted[part]
                summed, by_logits, by_own[part] = gradient(logits, *each, sampled.log_weights)
                nats += summed
                torch.mm(by_logits, matrix, out=by_hidden[part])
                by_matrix += by_logits.t() @ h
            by_hidden += by_own * targeted
            by_weight = torch.zeros_like(weight)
            by_weight[sampled.ids] = by_matrix
            by_weight.index_add_(0, right, by_own * hidden)
        ctx.count = counted.sum()
        # Divided by the count only later: in float16 so small a gradient would vanish.
        ctx.save_for_backward(by_hidden, by_weight)
        mean: Tensor = nats / ctx.count
        return mean
