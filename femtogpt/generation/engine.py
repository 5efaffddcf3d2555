"""The engine: a model's weights arranged for writing, a token of every text at a time.

Keys and values stand in place: those of position p in slot p mod context, where they replace what
lies a context back. Each layer so goes on with the last ``context`` positions of a text, however
long it grows.

For few texts, the number of torch's calls counts as much as what they compute, so a layer's weights
are arranged to be read with few (``femtogpt.generation.arranged_layer``). For one text on a CPU it
counts most, so its steps are in numpy (``femtogpt.generation.one_text``). Both say the same.

Shapes: N rows (the newest tokens of B texts, or all tokens of some prompts), C width, H heads, K
key-value heads, D head size, F feed-forward size, S context, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from femtogpt.generation.arranged_layer import Layer, gains, whole
from femtogpt.generation.formats import Head, format_for, head
from femtogpt.generation.one_text import OneText
from femtogpt.model.gpt import EPS, GPT, Block

ROWS = 2048  # of prompts that are read together: it bounds the memory that they take
Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]


@dataclass
class Texts:
    """What the engine keeps of the texts that it writes."""

    keys: Tensor  # (layers, B, K, S, D)
    values: Tensor
    positions: list[int]  # of each text's next token, counted from its start

    def only(self, rows: Sequence[int]) -> Texts:
        """Some of the texts."""
        positions = [self.positions[row] for row in rows]
        return Texts(self.keys[:, rows], self.values[:, rows], positions)


class Engine:
    """Reads prompts and gives the logits of the next token, again and again."""

    def __init__(self, model: GPT, weights: str = "float32"):
        """Of the weights as they are now: once they change, make another.

        ``weights`` is their format here: auto (the fastest), float32, bfloat16 or int8. Raises
        UserError for one that this machine does not have.
        """
        config, embedding = model.config, whole(model.embed_tokens.weight)
        self.device = embedding.device
        self.format = format_for(weights, self.device, model.parameter_count())
        self.context = config.context
        self.heads, self.kv_heads, self.size = (
            config.heads,
            config.key_value_heads,
            config.head_size,
        )
        self.cache_format = torch.float32 if self.format == "float32" else torch.float16
        self.head: Head = head(embedding, self.format)  # (V, C)
        self.unit, self.head_unit = _Unit(config.width), _Unit(config.head_size)
        self.norm = gains(model.norm.weight)
        self.layers = [Layer.of(cast(Block, block), self.format) for block in model.layers]
        self.frequencies = model.frequencies  # (D / 2,)
        self.one_text = None
        if self.device.type == "cpu":
            self.one_text = OneText(self.head, self.layers, self.norm, self.frequencies)

    @torch.no_grad()
    def begin(self, prompts: Sequence[Sequence[int]]) -> tuple[Texts, Tensor]:
        """Read prompts, none of them empty; gives the logits after each, (B, V).

        Of a prompt longer than the context, its end is read.
        """
        shape = len(self.layers), len(prompts), self.kv_heads, self.context, self.size
        keys = torch.zeros(shape, dtype=self.cache_format, device=self.device)
        texts = Texts(keys, torch.zeros_like(keys), [0] * len(prompts))
        ends = [prompt[-self.context :] for prompt in prompts]
        logits, first = [], 0
        while first < len(ends):  # as many together as make ROWS rows, one at least
            rows = accumulate(map(len, ends[first:]))
            count = max(1, sum(row <= ROWS for row in rows))
            logits.append(self._read(texts, first, ends[first : first + count]))
            first += count
        return texts, torch.cat(logits)

    def _read(self, texts: Texts, first: int, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Read the prompts of the texts from the one numbered ``first`` on, all in one pass.

        Gives the logits after each, (prompts, V).
        """
        lengths = [len(prompt) for prompt in prompts]
        texts.positions[first : first + len(prompts)] = lengths
        ids = torch.tensor([id for prompt in prompts for id in prompt], device=self.device)
        positions = torch.cat([torch.arange(length) for length in lengths]).to(self.device)

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            of_texts = (x.transpose(0, 1).split(lengths, dim=1) for x in (q, k, v))
            parts = []
            for row, (q, k, v) in enumerate(zip(*of_texts, strict=True), first):
                texts.keys[layer][row, :, : k.shape[1]] = k  # (K, its length, D)
                texts.values[layer][row, :, : v.shape[1]] = v
                parts.append(_attention(q[None], k[None], v[None], causal=True)[0])
            return torch.cat(parts, dim=1).transpose(0, 1)

        hidden = self._hidden(ids, positions, attend)
        return self._logits(hidden[torch.tensor(lengths).cumsum(0) - 1])

    @torch.no_grad()
    def step(self, texts: Texts, ids: Sequence[int]) -> Tensor:
        """Add a token to each text; gives the logits after it, (B, V)."""
        if self.one_text is not None and len(ids) == 1:
            return self._step_of_one(self.one_text, texts, ids[0])
        device = self.device
        counts = [min(position + 1, self.context) for position in texts.positions]
        slots: int | Tensor = texts.positions[0] % self.context
        rows: slice | Tensor = slice(None)
        mask, used = None, max(counts)
        if len(set(texts.positions)) > 1:  # texts of different lengths
            slots = torch.tensor(texts.positions, device=device) % self.context
            rows = torch.arange(len(ids), device=device)
            filled = torch.tensor(counts, device=device)[:, None]
            empty = torch.arange(used, device=device) >= filled
            mask = torch.zeros(empty.shape, device=device).masked_fill_(empty, -torch.inf)
            mask = mask[:, None, None]  # (B, 1, 1, S); torch is slower with bools

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            keys, values = texts.keys[layer], texts.values[layer]
            keys[rows, :, slots], values[rows, :, slots] = k.to(keys.dtype), v.to(values.dtype)
            seen = keys[:, :, :used].float(), values[:, :, :used].float()
            return _attention(q[:, :, None], *seen, mask=mask)[:, :, 0]

        positions = torch.tensor(texts.positions, device=device)
        hidden = self._hidden(torch.tensor(ids, device=device), positions, attend)
        texts.positions = [position + 1 for position in texts.positions]
        return self._logits(hidden)

    def _step_of_one(self, one_text: OneText, texts: Texts, id: int) -> Tensor:
        position = texts.positions[0]
        logits = one_text.step(texts.keys[:, 0], texts.values[:, 0], position, id)
        texts.positions = [position + 1]
        return logits[None]

    def _logits(self, hidden: Tensor) -> Tensor:
        """The logits (N, V) from what the layers made of N rows."""
        return self.head(self.unit(hidden) * self.norm)

    def _hidden(self, ids: Tensor, positions: Tensor, attend: Attend) -> Tensor:
        """What the layers make of ``ids`` (N,) at ``positions`` (N,): (N, C)."""
        angles = positions[:, None, None] * self.frequencies
        turns = torch.polar(torch.ones_like(angles), angles)  # (N, 1, D / 2)
        x = self.head.rows(ids)
        for number, layer in enumerate(self.layers):
            heads = layer.projection(self.unit(x)).view(len(ids), -1, self.size)
            turned = self.head_unit(heads[:, : -self.kv_heads]) * layer.head_norms
            pairs = torch.view_as_complex(turned.unflatten(2, (-1, 2)))
            turned = torch.view_as_real(pairs * turns).flatten(2)
            q, k = turned.split([self.heads, self.kv_heads], dim=1)
            y = attend(number, q, k, heads[:, -self.kv_heads :])
            x = x + layer.output(y.reshape(len(ids), -1))
            gate, up = layer.gate_and_up(self.unit(x)).chunk(2, dim=-1)
            x = x + layer.down(F.silu(gate) * up)
        return x


class _Unit:
    """Brings rows to length 1: with ``gains``, RMSNorm in a third of the time that torch takes."""

    def __init__(self, size: int):
        self.least = torch.tensor(math.sqrt(size * EPS))

    def __call__(self, x: Tensor) -> Tensor:
        return x / torch.hypot(torch.linalg.vector_norm(x, dim=-1, keepdim=True), self.least)


def _attention(
    q: Tensor, k: Tensor, v: Tensor, causal: bool = False, mask: Tensor | None = None
) -> Tensor:
    """Attention of queries (B, H, T, D) to keys and values (B, K, S, D)."""
    grouped = q.shape[1] != k.shape[1]
    return F.scaled_dot_product_attention(q, k, v, mask, is_causal=causal, enable_gqa=grouped)
