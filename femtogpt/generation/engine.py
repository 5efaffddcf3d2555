"""The engine: a model's weights arranged for writing, a token of every text at a time.

Keys and values stand in place: those of position p in slot p mod context, where they replace what
lies a context back. Each layer so goes on with the last ``context`` positions of a text, however
long it grows.

Shapes: N rows (the newest tokens of B texts, or all tokens of one prompt), C width, H heads, K
key-value heads, D head size, F feed-forward size, S context, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from femtogpt.model.gpt import EPS, GPT, Block, rotate

Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]


@dataclass
class Texts:
    """What the engine keeps of the texts that it writes."""

    keys: list[Tensor]  # of each layer, (B, K, S, D)
    values: list[Tensor]
    positions: list[int]  # of each text's next token, counted from its start


class Engine:
    """Reads prompts and gives the logits of the next token, again and again."""

    def __init__(self, model: GPT):
        """Of the weights as they are now: once they change, make another."""
        config = model.config
        self.context = config.context
        self.heads, self.kv_heads, self.size = (
            config.heads,
            config.key_value_heads,
            config.head_size,
        )
        self.embedding = _whole(model.embed_tokens.weight)  # (V, C), the head's too
        self.norm = _whole(model.norm.weight)
        self.layers = [_Layer.of(cast(Block, block)) for block in model.layers]
        self.frequencies = model.frequencies.repeat(2)  # (D,)

    @torch.no_grad()
    def begin(self, prompts: Sequence[Sequence[int]]) -> tuple[Texts, Tensor]:
        """Read prompts, none of them empty; gives the logits after each, (B, V).

        Of a prompt longer than the context, its end is read.
        """
        shape = len(prompts), self.kv_heads, self.context, self.size
        keys = [self.embedding.new_zeros(shape) for _ in self.layers]
        texts = Texts(keys, [torch.zeros_like(part) for part in keys], [0] * len(prompts))
        logits = [self._read(texts, row, ids) for row, ids in enumerate(prompts)]
        return texts, torch.cat(logits)

    def _read(self, texts: Texts, row: int, prompt: Sequence[int]) -> Tensor:
        """Read a text's prompt; gives the logits after it, (1, V)."""
        ids = torch.tensor(prompt[-self.context :], device=self.embedding.device)
        length = texts.positions[row] = len(ids)

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            q, k, v = (x.transpose(0, 1) for x in (q, k, v))  # (heads, N, D)
            texts.keys[layer][row, :, :length] = k
            texts.values[layer][row, :, :length] = v
            return _attention(q[None], k[None], v[None], causal=True)[0].transpose(0, 1)

        hidden = self._hidden(ids, torch.arange(length, device=ids.device), attend)
        return self._logits(hidden[-1:])

    @torch.no_grad()
    def step(self, texts: Texts, ids: Sequence[int]) -> Tensor:
        """Add a token to each text; gives the logits after it, (B, V)."""
        device = self.embedding.device
        counts = [min(position + 1, self.context) for position in texts.positions]
        slots: int | Tensor = texts.positions[0] % self.context
        rows: slice | Tensor = slice(None)
        mask, used = None, max(counts)
        if len(set(texts.positions)) > 1:  # texts of different lengths
            slots = torch.tensor(texts.positions, device=device) % self.context
            rows = torch.arange(len(ids), device=device)
            filled = torch.tensor(counts, device=device)[:, None]
            mask = (torch.arange(used, device=device) < filled)[:, None, None]  # (B, 1, 1, S)

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            keys, values = texts.keys[layer], texts.values[layer]
            keys[rows, :, slots], values[rows, :, slots] = k.to(keys.dtype), v.to(values.dtype)
            seen = keys[:, :, :used], values[:, :, :used]
            return _attention(q[:, :, None], *seen, mask=mask)[:, :, 0]

        positions = torch.tensor(texts.positions, device=device)
        hidden = self._hidden(torch.tensor(ids, device=device), positions, attend)
        texts.positions = [position + 1 for position in texts.positions]
        return self._logits(hidden)

    def _logits(self, hidden: Tensor) -> Tensor:
        """The logits (N, V), in float32, from what the layers made of N rows."""
        return F.linear(_normed(hidden, self.norm), self.embedding).float()

    def _hidden(self, ids: Tensor, positions: Tensor, attend: Attend) -> Tensor:
        """What the layers make of ``ids`` (N,) at ``positions`` (N,): (N, C)."""
        angles = positions[:, None, None] * self.frequencies
        cos, sin = angles.cos(), angles.sin()  # (N, 1, D)
        x = F.embedding(ids, self.embedding)
        for number, layer in enumerate(self.layers):
            projected = F.linear(_normed(x, layer.attention_norm), layer.projection)
            heads = projected.view(len(ids), -1, self.size)
            turned = heads[:, : -self.kv_heads].float()  # queries and keys
            turned = F.rms_norm(turned, (self.size,), eps=EPS) * layer.head_norms
            q, k = rotate(turned, cos, sin).split([self.heads, self.kv_heads], dim=1)
            y = attend(number, q, k, heads[:, -self.kv_heads :])
            x = x + F.linear(y.reshape(len(ids), -1), layer.output)
            hidden = F.linear(_normed(x, layer.feed_forward_norm), layer.gate_and_up)
            gate, up = hidden.chunk(2, dim=-1)
            x = x + F.linear(F.silu(gate) * up, layer.down)
        return x


@dataclass(frozen=True)
class _Layer:
    """A block's weights; those that read the same are one matrix."""

    attention_norm: Tensor  # (C,)
    projection: Tensor  # to queries, keys and values: (H × D + 2 × K × D, C)
    head_norms: Tensor  # of each query and key: (H + K, D)
    output: Tensor  # (C, H × D)
    feed_forward_norm: Tensor
    gate_and_up: Tensor  # (2 × F, C)
    down: Tensor  # (C, F)

    @classmethod
    def of(cls, block: Block) -> _Layer:
        attention, mlp = block.self_attn, block.mlp
        readers = attention.q_proj, attention.k_proj, attention.v_proj
        projections = [_whole(reader.weight) for reader in readers]
        query, key = _whole(attention.q_norm.weight), _whole(attention.k_norm.weight)
        heads, kv_heads, _ = (len(projection) // len(query) for projection in projections)
        return cls(
            _whole(block.input_layernorm.weight),
            torch.cat(projections),
            torch.stack([query] * heads + [key] * kv_heads),
            _whole(attention.o_proj.weight),
            _whole(block.post_attention_layernorm.weight),
            torch.cat([_whole(mlp.gate_proj.weight), _whole(mlp.up_proj.weight)]),
            _whole(mlp.down_proj.weight),
        )


def _whole(weight: Tensor) -> Tensor:
    """A weight without its gradient; if FSDP has it sharded, gathered."""
    weight = weight.detach()
    return weight.full_tensor() if hasattr(weight, "full_tensor") else weight


def _normed(x: Tensor, weight: Tensor) -> Tensor:
    return F.rms_norm(x, weight.shape, weight, EPS)


def _attention(
    q: Tensor, k: Tensor, v: Tensor, causal: bool = False, mask: Tensor | None = None
) -> Tensor:
    """Attention of queries (B, H, T, D) to keys and values (B, K, S, D)."""
    grouped = q.shape[1] != k.shape[1]
    return F.scaled_dot_product_attention(
        q.to(v.dtype), k.to(v.dtype), v, mask, is_causal=causal, enable_gqa=grouped
    )
