"""The model: a GPT of Qwen3's architecture, which transformers and llama.cpp can run.

RMSNorm before each block (Zhang & Sennrich 2019), rotary positions (Su et al. 2021), normalised
queries and keys (Dehghani et al. 2023), grouped queries (Ainslie et al. 2023), SwiGLU (Shazeer
2020), one matrix for embedding and head (Press & Wolf 2017). Names of modules are Qwen3's.

Shapes: B sequences, T positions, C width, H heads, K key-value heads, D head size, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from femtogpt.config import ModelConfig
from femtogpt.model.loss import SoftTargets, linear_cross_entropy, softmax_gradient, token_nats
from femtogpt.model.sampled_loss import SampledTokens, sampled_cross_entropy, sampled_gradient

EPS = 1e-6
QUERY_BLOCK = 128  # queries computed at once, in compiled attention on a CPU


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate each pair (i, i + D/2) of x (B, H, T, D) by its angle; cos and sin are (T, D)."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin


def attend(
    q: Tensor, k: Tensor, v: Tensor, dropout: float, documents: Tensor | None = None
) -> Tensor:
    """Causal attention of queries (B, H, T, D) to keys and values (B, K, T, D).

    With ``documents`` (B, T), a query sees only keys of its own document. On a CPU torch's kernel
    is three times as slow as compiled plain products.
    """
    if torch.compiler.is_compiling() and q.device.type == "cpu":
        return _attend_in_blocks(q, k, v, dropout, documents)
    mask = None if documents is None else _same_document(documents, documents).tril()
    grouped = q.shape[1] != k.shape[1]
    return F.scaled_dot_product_attention(
        q, k, v, mask, dropout_p=dropout, is_causal=mask is None, enable_gqa=grouped
    )


def _same_document(rows: Tensor, columns: Tensor) -> Tensor:
    """Whether each pair of positions is in one document, (B, 1, T, S)."""
    return rows[:, None, :, None] == columns[:, None, None, :]


def _attend_in_blocks(
    q: Tensor, k: Tensor, v: Tensor, dropout: float, documents: Tensor | None
) -> Tensor:
    """The same for a block of queries at a time, each with only the keys that its last one sees."""
    T, size = q.shape[2], q.shape[3]
    k, v = (x.repeat_interleave(q.shape[1] // k.shape[1], dim=1) for x in (k, v))
    future = torch.ones(T, T, dtype=torch.bool, device=q.device).triu(1)
    outputs = []
    for start in range(0, T, QUERY_BLOCK):
        end = min(start + QUERY_BLOCK, T)
        scores = (q[:, :, start:end] @ k[:, :, :end].transpose(-1, -2)).float() * size**-0.5
        hidden = future[start:end, :end]
        if documents is not None:
            hidden = hidden | ~_same_document(documents[:, start:end], documents[:, :end])
        weights = scores.masked_fill(hidden, -torch.inf).softmax(-1)
        outputs.append(F.dropout(weights, dropout).to(v.dtype) @ v[:, :, :end])
    return torch.cat(outputs, dim=2)


@dataclass(frozen=True)
class Positions:
    """What attention needs to know of the positions: the same for all layers."""

    cos: Tensor  # (T, D)
    sin: Tensor
    documents: Tensor | None = None  # (B, T): the document of each, if attention is masked


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

    def forward(self, x: Tensor, positions: Positions) -> Tensor:
        B, T, _ = x.shape
        q, k, v = (
            project(x).view(B, T, -1, self.head_size)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        # Norms and rotations in float32, whatever the format of the matrix products.
        angles = positions.cos, positions.sin
        q = rotate(self.q_norm(q.float()).transpose(1, 2), *angles).to(v.dtype)  # (B, H, T, D)
        k = rotate(self.k_norm(k.float()).transpose(1, 2), *angles).to(v.dtype)  # (B, K, T, D)
        v = v.transpose(1, 2)
        y = attend(q, k, v, self.dropout if self.training else 0.0, positions.documents)
        output: Tensor = self.o_proj(y.transpose(1, 2).reshape(B, T, -1))
        return output


class FeedForward(nn.Module):
    """SwiGLU."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.gate_proj = nn.Linear(config.width, config.hidden, bias=False)
        self.up_proj = nn.Linear(config.width, config.hidden, bias=False)
        self.down_proj = nn.Linear(config.hidden, config.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return output


class Block(nn.Module):
    """Attention and feed-forward, each added to the residual stream."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.input_layernorm = nn.RMSNorm(config.width, eps=EPS)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = nn.RMSNorm(config.width, eps=EPS)
        self.mlp = FeedForward(config)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, positions: Positions) -> Tensor:
        x = x + self.drop(self.self_attn(self.input_layernorm(x), positions))
        output: Tensor = x + self.drop(self.mlp(self.post_attention_layernorm(x)))
        return output


class GPT(nn.Module):
    """The language model: token ids in, logits of the next token out."""

    gradient = staticmethod(softmax_gradient)
    sampled_gradient = staticmethod(sampled_gradient)
    sampled: SampledTokens | None = None  # what the loss has in its softmax; None: all tokens
    recompute = False  # activation checkpointing (Chen et al. 2016)
    frequencies: Tensor
    eos: int | None = None  # with it, attention sees nothing of earlier documents
    pieces: int = 1  # of a sequence that is trained on or scored: each is read by itself

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

        The size of Muon's steps does not depend on the weights, so smaller weights turn sooner. An
        untrained model predicts the token that it reads, with a logit of width × std: 4 at any
        width, since the loss would otherwise begin far above that of an even guess.
        """
        nn.init.normal_(self.embed_tokens.weight, std=4 / self.config.width)
        for name, module in self.layers.named_modules():
            if isinstance(module, nn.Linear):
                if name.endswith(("o_proj", "down_proj")):
                    nn.init.zeros_(module.weight)
                else:
                    nn.init.normal_(module.weight, std=module.in_features**-0.5 / 3)

    def forward(
        self,
        ids: Tensor,
        targets: Tensor | None = None,
        soft: SoftTargets | None = None,
    ) -> Tensor:
        """Logits (B, T, V) of ids (B, T), or with targets (B, T) the mean loss in nats per token.

        Targets of −100 do not count; ``soft`` targets change the gradient, not the loss, and have
        all tokens.
        """
        if targets is None:
            return F.linear(self.read(ids), self.embed_tokens.weight)
        rows, weight = self._read_in_pieces(ids).flatten(0, 1), self.embed_tokens.weight
        right = targets.flatten()
        if self.sampled is None or soft is not None:
            return linear_cross_entropy(rows, weight, right, self.gradient, soft)
        return sampled_cross_entropy(rows, weight, right, self.sampled, self.sampled_gradient)

    def nats(self, ids: Tensor, targets: Tensor) -> Tensor:
        """The loss in nats of each target, (B, T) in float32; 0 for targets of −100.

        A model that is training reads as in training: what was compiled for it serves here too.
        """
        with torch.set_grad_enabled(self.training):
            rows = self._read_in_pieces(ids).flatten(0, 1)
        return token_nats(rows, self.embed_tokens.weight, targets.flatten()).view(ids.shape)

    def read(self, ids: Tensor) -> Tensor:
        """The normalized hidden states that the head gets, (B, T, C)."""
        numbers = torch.arange(ids.shape[1], device=ids.device)
        angles = numbers[:, None] * self.frequencies.repeat(2)
        x = self.drop(self.embed_tokens(ids))
        documents = None if self.eos is None else (ids == self.eos).cumsum(1)
        rotation = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        positions = Positions(*rotation, documents)
        for layer in self.layers:
            if self.recompute and torch.is_grad_enabled():
                x = checkpoint(layer, x, positions, use_reentrant=False)
            else:
                x = layer(x, positions)
        normalized: Tensor = self.norm(x)
        return normalized

    def _read_in_pieces(self, ids: Tensor) -> Tensor:
        """The hidden states of ids (B, T), (B × pieces, T / pieces, C)."""
        return self.read(ids.reshape(len(ids) * self.pieces, -1))

    def parameter_count(self) -> int:
        """The number of trained weights; the head's are the embedding's and count once."""
        return sum(parameter.numel() for parameter in self.parameters())
