"""The model: a GPT of Qwen3's shape, which transformers and llama.cpp can run.

RMSNorm before each block (Zhang & Sennrich 2019), rotary positions (Su et al. 2021), normalised
queries and keys (Dehghani et al. 2023), grouped queries (Ainslie et al. 2023), SwiGLU (Shazeer
2020), one matrix for embedding and head (Press & Wolf 2017). Names of modules are Qwen3's.

Shapes: B windows, T positions, C width, H heads, K key-value heads, D head size, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from femtogpt.config import ModelConfig
from femtogpt.model.loss import linear_cross_entropy, softmax_gradient, token_nats

EPS = 1e-6
ROWS = 128  # queries whose scores are computed at once, in compiled attention on a CPU


class Cache:
    """Keys and values of the positions read so far, at most ``context`` of them, by layer."""

    def __init__(self, layers: int, context: int):
        self.context = context
        self.position = 0  # of the next token, from the start of the text
        self.layers: list[tuple[Tensor, Tensor] | None] = [None] * layers

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Add a layer's new keys and values (B, K, T, D); gives all that are in reach."""
        if (before := self.layers[layer]) is not None:
            assert k.shape[2] == 1, "after the first text, one token at a time: no mask is made"
            k = torch.cat([before[0], k], dim=2)[:, :, -self.context :]
            v = torch.cat([before[1], v], dim=2)[:, :, -self.context :]
        self.layers[layer] = (k, v)
        return k, v


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair (i, i + D/2) of x (B, H, T, D) by its angle; cos and sin are (T, D)."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin


def attend(
    q: Tensor, k: Tensor, v: Tensor, dropout: float, documents: Tensor | None = None
) -> Tensor:
    """Causal attention of queries (B, H, T, D) to keys and values (B, K, S, D).

    A single query sees all keys; more than one go with as many keys, of the same of ``documents``
    (B, T) where these are given. torch's own on a CPU is three times as slow as what the compiler
    makes of plain products.
    """
    if torch.compiler.is_compiling() and q.device.type == "cpu" and q.shape[2] == k.shape[2]:
        return _attend_in_blocks(q, k, v, dropout, documents)
    grouped = q.shape[1] != k.shape[1]
    causal, seen = q.shape[2] > 1, None
    if documents is not None:
        causal, seen = False, _same(documents, documents).tril()
    return F.scaled_dot_product_attention(
        q, k, v, seen, dropout_p=dropout, is_causal=causal, enable_gqa=grouped
    )


def _same(rows: Tensor, columns: Tensor) -> Tensor:
    """Whether each pair of positions (B, 1, T, S) is of one document."""
    return rows[:, None, :, None] == columns[:, None, None, :]


def _attend_in_blocks(
    q: Tensor, k: Tensor, v: Tensor, dropout: float, documents: Tensor | None
) -> Tensor:
    """The same, a block of queries at a time, each with no more keys than its last may see."""
    T, size = q.shape[2], q.shape[3]
    k, v = (part.repeat_interleave(q.shape[1] // k.shape[1], dim=1) for part in (k, v))
    future = torch.ones(T, T, dtype=torch.bool, device=q.device).triu(1)
    parts = []
    for start in range(0, T, ROWS):
        end = min(start + ROWS, T)
        scores = (q[:, :, start:end] @ k[:, :, :end].transpose(-1, -2)).float() * size**-0.5
        hidden = future[start:end, :end]
        if documents is not None:
            hidden = hidden | ~_same(documents[:, start:end], documents[:, :end])
        chances = scores.masked_fill(hidden, -torch.inf).softmax(-1)
        parts.append(F.dropout(chances, dropout).to(v.dtype) @ v[:, :, :end])
    return torch.cat(parts, dim=2)


@dataclass(frozen=True)
class Where:
    """What attention knows of the positions: the same for all layers."""

    cos: Tensor  # (T, D)
    sin: Tensor
    documents: Tensor | None = None  # (B, T): which one each is of, if it is to see no other
    cache: Cache | None = None


class Attention(nn.Module):
    """Causal self-attention with grouped queries."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.head_size, self.dropout = config.head_size, config.dropout
        heads, kv_heads = config.heads * self.head_size, config.key_value_heads * self.head_size
        self.q_proj = nn.Linear(config.width, heads, bias=False)
        self.k_proj = nn.Linear(config.width, kv_heads, bias=False)
        self.v_proj = nn.Linear(config.width, kv_heads, bias=False)
        self.o_proj = nn.Linear(heads, config.width, bias=False)
        self.q_norm = nn.RMSNorm(self.head_size, eps=EPS)
        self.k_norm = nn.RMSNorm(self.head_size, eps=EPS)

    def forward(self, x: Tensor, where: Where, layer: int) -> Tensor:
        B, T, _ = x.shape
        q, k, v = (
            project(x).view(B, T, -1, self.head_size)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        # Norms and angles in float32, whatever the format of the matrix products.
        turn = where.cos, where.sin
        q = rotate(self.q_norm(q.float()).transpose(1, 2), *turn).to(v.dtype)  # (B, H, T, D)
        k = rotate(self.k_norm(k.float()).transpose(1, 2), *turn).to(v.dtype)  # (B, K, T, D)
        v = v.transpose(1, 2)
        if where.cache is not None:
            k, v = where.cache.extend(layer, k, v)
        y = attend(q, k, v, self.dropout if self.training else 0.0, where.documents)
        return self.o_proj(y.transpose(1, 2).reshape(B, T, -1))


class FeedForward(nn.Module):
    """SwiGLU."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.gate_proj = nn.Linear(config.width, config.hidden, bias=False)
        self.up_proj = nn.Linear(config.width, config.hidden, bias=False)
        self.down_proj = nn.Linear(config.hidden, config.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    """Attention and feed-forward, each added to the residual stream."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.input_layernorm = nn.RMSNorm(config.width, eps=EPS)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = nn.RMSNorm(config.width, eps=EPS)
        self.mlp = FeedForward(config)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, where: Where, layer: int) -> Tensor:
        x = x + self.drop(self.self_attn(self.input_layernorm(x), where, layer))
        return x + self.drop(self.mlp(self.post_attention_layernorm(x)))


class GPT(nn.Module):
    """The language model: token ids in, logits of the next token out."""

    gradient = staticmethod(softmax_gradient)
    recompute = False  # layers in the backward pass: activation checkpointing (Chen et al. 2016)
    eos: int | None = None  # with it, attention sees nothing of the documents before an end

    def __init__(self, config: ModelConfig, vocab_size: int):
        super().__init__()
        self.config, self.vocab_size = config, vocab_size
        self.embed_tokens = nn.Embedding(vocab_size, config.width)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.RMSNorm(config.width, eps=EPS)
        self.drop = nn.Dropout(config.dropout)
        halves = torch.arange(0, config.head_size, 2, dtype=torch.float32) / config.head_size
        self.register_buffer("frequencies", config.rope_theta**-halves, persistent=False)
        self.initialise()

    def initialise(self) -> None:
        """Normal weights of ⅓/√fan-in; blocks start as the identity (zero output matrices).

        Muon's steps are as large whatever the weights are, so that small ones turn sooner. What is
        read at first is each token itself, with a logit of width × std: 4 at any width, or the
        loss would begin far above that of an even guess.
        """
        nn.init.normal_(self.embed_tokens.weight, std=4 / self.config.width)
        for name, module in self.layers.named_modules():
            if isinstance(module, nn.Linear):
                if name.endswith(("o_proj", "down_proj")):
                    nn.init.zeros_(module.weight)
                else:
                    nn.init.normal_(module.weight, std=module.in_features**-0.5 / 3)

    def forward(
        self, ids: Tensor, targets: Tensor | None = None, cache: Cache | None = None
    ) -> Tensor:
        """Logits (B, T, V) of ids (B, T), or with targets (B, T) the mean loss in nats per token.

        Targets of −100 do not count. With a cache, ids go on from where it stands: a whole
        text at first, then one token at a time.
        """
        x = self.read(ids, cache)
        if targets is None:
            return F.linear(x, self.embed_tokens.weight)
        rows = x.flatten(0, 1)
        return linear_cross_entropy(
            rows, self.embed_tokens.weight, targets.flatten(), self.gradient
        )

    def nats(self, ids: Tensor, targets: Tensor) -> Tensor:
        """The nats of each target (B, T), in float32; 0 for those of −100."""
        rows = self.read(ids).flatten(0, 1)
        return token_nats(rows, self.embed_tokens.weight, targets.flatten()).view(ids.shape)

    def read(self, ids: Tensor, cache: Cache | None = None) -> Tensor:
        """What the head is given: (B, T, C), normalised."""
        start = cache.position if cache is not None else 0
        positions = torch.arange(start, start + ids.shape[1], device=ids.device)
        angles = positions[:, None] * self.frequencies.repeat(2)
        x = self.drop(self.embed_tokens(ids))
        documents = None if self.eos is None else (ids == self.eos).cumsum(1)
        where = Where(angles.cos().to(x.dtype), angles.sin().to(x.dtype), documents, cache)
        for number, layer in enumerate(self.layers):
            if self.recompute and torch.is_grad_enabled():
                x = checkpoint(layer, x, where, number, use_reentrant=False)
            else:
                x = layer(x, where, number)
        if cache is not None:
            cache.position += ids.shape[1]
        return self.norm(x)

    def parameter_count(self) -> int:
        """Weights that are trained; the head's are the embedding's and count once."""
        return sum(parameter.numel() for parameter in self.parameters())
