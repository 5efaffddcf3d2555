"""A layer's weights arranged for writing: few matrices, and norms without weights.

Matrices that read the same are one, the weights of norms are in the matrices that read them, and
the two numbers that are rotated together stand side by side, as a complex number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from femtogpt.generation.formats import Multiply, matrix
from femtogpt.model.gpt import Block


@dataclass(frozen=True)
class Layer:
    """A block's matrices; C width, H heads, K key-value heads, D head size, F feed-forward size."""

    projection: Multiply  # to queries, keys and values: (H × D + 2 × K × D, C)
    head_norms: Tensor  # of each query and key: (H + K, D)
    output: Multiply  # (C, H × D)
    gate_and_up: Multiply  # (2 × F, C)
    down: Multiply  # (C, F)

    @classmethod
    def of(cls, block: Block, format: str) -> Layer:
        attention, mlp = block.self_attn, block.mlp
        query, key = (
            _pairs(gains(attention.q_norm.weight)),
            _pairs(gains(attention.k_norm.weight)),
        )
        size = len(query)
        q, k, v = (
            whole(projection.weight).unflatten(0, (-1, size))  # (heads, D, C)
            for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        projection = torch.cat([_pairs(q, 1), _pairs(k, 1), v]).flatten(0, 1)
        gate_and_up = torch.cat([whole(mlp.gate_proj.weight), whole(mlp.up_proj.weight)])
        return cls(
            matrix(projection * gains(block.input_layernorm.weight), format),
            torch.stack([query] * len(q) + [key] * len(k)),
            matrix(whole(attention.o_proj.weight), format),
            matrix(gate_and_up * gains(block.post_attention_layernorm.weight), format),
            matrix(whole(mlp.down_proj.weight), format),
        )


def gains(norm: Tensor) -> Tensor:
    """What an RMSNorm with these weights multiplies rows of length 1 by."""
    return whole(norm) * math.sqrt(len(norm))


def _pairs(weight: Tensor, dim: int = 0) -> Tensor:
    """The numbers of a head in pairs (i, i + D/2): what is rotated together, side by side."""
    return torch.stack(weight.chunk(2, dim), dim + 1).flatten(dim, dim + 1)


def whole(weight: Tensor) -> Tensor:
    """A weight without its gradient; if FSDP has it sharded, gathered."""
    weight = weight.detach()
    return weight.full_tensor() if hasattr(weight, "full_tensor") else weight
