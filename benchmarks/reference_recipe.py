"""The reference recipe: a textbook GPT-2, to measure the engine against.

A GPT-2 (Radford et al. 2019): LayerNorm, learned positions, GELU, one matrix for embedding and
head; AdamW, warm-up and cosine decay, clipping; float32, the whole batch at once, no tricks. It
trains on random sequences from the same token shards, and is scored by the same function on the
same held-out sequences.

::

    python benchmarks/reference_recipe.py data/tokens/… --minutes 10 --rate 1e-3 --batch 8
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from femtogpt.model.score import mean_nats, spread_evenly
from femtogpt.tokens.shards import Tokens

BETAS, WEIGHT_DECAY, MAX_GRADIENT_NORM = (0.9, 0.95), 0.1, 1.0
WARMUP_STEPS, FINAL_RATE_SHARE = 100, 0.1


@dataclass(frozen=True)
class Shape:
    layers: int = 4
    width: int = 256
    heads: int = 4
    context: int = 256
    vocab: int = 8000
    tied: bool = True


class Block(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.heads = shape.heads
        self.norm1, self.norm2 = (nn.LayerNorm(shape.width, bias=False) for _ in range(2))
        self.qkv = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)
        self.up = nn.Linear(shape.width, 4 * shape.width, bias=False)
        self.down = nn.Linear(4 * shape.width, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        B, T, C = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(B, T, C))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Reference(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.tokens = nn.Embedding(shape.vocab, shape.width)
        self.positions = nn.Embedding(shape.context, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width, bias=False)
        self.head = nn.Linear(shape.width, shape.vocab, bias=False)
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                last = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * shape.layers) if last else 0.02)
        if shape.tied:
            self.head.weight = self.tokens.weight

    def forward(self, ids: Tensor) -> Tensor:
        x = self.tokens(ids) + self.positions.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))

    def nats(self, ids: Tensor, targets: Tensor) -> Tensor:
        """The loss of each target in nats, as ``femtogpt.model.score`` needs it."""
        logits = self(ids).flatten(0, 1)
        nats = F.cross_entropy(logits, targets.flatten(), ignore_index=-100, reduction="none")
        return nats.view(ids.shape)


class Training:
    """The reference's training, step by step."""

    def __init__(self, tokens: Tokens, shape: Shape, rate: float, batch: int, steps: int, seed=0):
        torch.manual_seed(seed)
        self.shape, self.rate, self.batch, self.steps = shape, rate, batch, steps
        self.model = Reference(shape)
        matrices = [weight for weight in self.model.parameters() if weight.ndim == 2]
        vectors = [weight for weight in self.model.parameters() if weight.ndim < 2]
        groups = [
            {"params": matrices, "weight_decay": WEIGHT_DECAY},
            {"params": vectors, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=rate, betas=BETAS)
        self.ids = [shard.ids for parts in tokens.shards("train").values() for shard in parts]
        self.sizes = np.array([len(ids) - shape.context for ids in self.ids], dtype=float)
        self.random = np.random.default_rng(seed)
        self.step = 0

    def draw_sequences(self) -> Tensor:
        """Random sequences from all shards: (batch, context + 1)."""
        which = self.random.choice(len(self.ids), self.batch, p=self.sizes / self.sizes.sum())
        starts = [int(self.random.integers(self.sizes[number])) for number in which]
        parts = [
            self.ids[number][start : start + self.shape.context + 1]
            for number, start in zip(which, starts, strict=True)
        ]
        return torch.from_numpy(np.stack(parts).astype(np.int64))

    def loss(self, sequences: Tensor) -> Tensor:
        """The mean loss in nats of predicting each next token of (batch, context + 1) ids."""
        logits = self.model(sequences[:, :-1])
        return F.cross_entropy(logits.flatten(0, 1), sequences[:, 1:].flatten())

    def train(self) -> float:
        """Take one step; returns its loss."""
        progress = max(0.0, (self.step - WARMUP_STEPS) / max(1, self.steps - WARMUP_STEPS))
        cosine = FINAL_RATE_SHARE + (1 - FINAL_RATE_SHARE) * 0.5 * (
            1 + math.cos(math.pi * min(1.0, progress))
        )
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * min((self.step + 1) / WARMUP_STEPS, cosine)
        loss = self.loss(self.draw_sequences())
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), MAX_GRADIENT_NORM)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return float(loss.detach())


def train_and_score(
    tokens: Tokens, shape: Shape, rate: float, batch: int, seconds: float, evaluate_tokens: int
) -> dict:
    """A training of ``seconds`` (without evaluation), with its decay fitted to them."""
    warm = Training(tokens, shape, rate, batch, 10_000)
    times = []
    for _ in range(12):
        start = time.perf_counter()
        warm.train()
        times.append(time.perf_counter() - start)
    step_seconds = sorted(times)[len(times) // 2]
    training = Training(tokens, shape, rate, batch, max(1, round(seconds / step_seconds)))
    start = time.perf_counter()
    while training.step < training.steps:
        training.train()
    training_seconds = time.perf_counter() - start
    loss = mean_nats(
        training.model.eval(),
        spread_evenly(tokens.shards("held_out"), shape.context, evaluate_tokens),
        (batch, shape.context),
    )
    per_character = tokens.total("held_out") / tokens.total("held_out", "characters")
    tokens_seen = training.steps * batch * shape.context
    return {
        "parameters": sum(weight.numel() for weight in training.model.parameters()),
        "rate": rate,
        "batch": batch,
        "steps": training.steps,
        "tokens": tokens_seen,
        "seconds": training_seconds,
        "tokens_per_second": tokens_seen / training_seconds,
        "held_out_loss": loss,
        "bits_per_character": loss / math.log(2) * per_character,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tokens", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=float, nargs="+", default=[1e-3])
    parser.add_argument("--batch", type=int, nargs="+", default=[8])
    parser.add_argument("--evaluate-tokens", type=int, default=131072)
    options = parser.parse_args()
    tokens = Tokens(options.tokens)
    shape = Shape(vocab=tokens.vocab_size)
    for batch in options.batch:
        for rate in options.rate:
            result = train_and_score(
                tokens, shape, rate, batch, 60 * options.minutes, options.evaluate_tokens
            )
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
