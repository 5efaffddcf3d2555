"""The engine's step for one text on a CPU, in numpy.

For one text of a small model, calls take as long as what they compute, and numpy's take a fifth of
torch's. Weights and cache are the engine's, in the same memory.

Shapes: C width, H heads, K key-value heads, D head size, F feed-forward size, S context,
V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from femtogpt.generation.arranged_layer import Layer
from femtogpt.generation.formats import Head, of_one_row
from femtogpt.model.gpt import EPS

Array = np.ndarray


class OneText:
    """Gives the logits of the next token, again and again."""

    def __init__(self, head: Head, layers: Sequence[Layer], norm: Tensor, frequencies: Tensor):
        """Of what the engine has under these names.

        From then on numpy's products take one thread.
        """
        _keep_openblas_to_one_thread()
        self.embedding, self.head = head, of_one_row(head)
        self.layers = [_OneRow(layer) for layer in layers]
        self.norm, self.frequencies = norm.numpy(), frequencies.numpy()

    def step(self, keys: Tensor, values: Tensor, position: int, id: int) -> Tensor:
        """Add a token to the text with these keys and values, each (layers, K, S, D).

        Gives the logits after it, (V,).
        """
        turns = np.exp(1j * (np.float32(position) * self.frequencies))
        x: Array = self.embedding.rows(id).numpy()
        parts = zip(self.layers, keys.numpy(), values.numpy(), strict=True)
        # What overflows is e^−x in a sigmoid that is 0.
        with np.errstate(over="ignore"), _torch_in_one_thread():
            for layer, layer_keys, layer_values in parts:
                x = x + layer.attention(_unit(x), turns, layer_keys, layer_values, position)
                x = x + layer.feed_forward(_unit(x))
            return torch.from_numpy(self.head(_unit(x) * self.norm))


class _OneRow:
    """A layer that gets one row, of length 1."""

    def __init__(self, layer: Layer):
        self.projection, self.output = of_one_row(layer.projection), of_one_row(layer.output)
        self.gate_and_up, self.down = of_one_row(layer.gate_and_up), of_one_row(layer.down)
        self.head_norms = layer.head_norms.numpy()

    def attention(self, x: Array, turns: Array, keys: Array, values: Array, position: int) -> Array:
        """What attention adds to the residual stream, (C,)."""
        kv_heads, context, size = keys.shape
        slot, used = position % context, min(position + 1, context)
        heads = self.projection(x).reshape(-1, size)  # (H + 2 × K, D)
        turned = heads[:-kv_heads]
        lengths = np.sqrt(np.vecdot(turned, turned) + np.float32(size * EPS))
        turned *= self.head_norms / lengths[:, None]
        pairs = turned.view(np.complex64)
        pairs *= turns
        keys[:, slot], values[:, slot] = turned[-kv_heads:], heads[-kv_heads:]
        q = turned[:-kv_heads].reshape(kv_heads, -1, size)
        scores = q @ _in_float32(keys[:, :used]).transpose(0, 2, 1)  # (K, H / K, S)
        scores -= scores.max(-1, keepdims=True)
        scores *= size**-0.5
        weights = np.exp(scores, out=scores)
        weights /= weights.sum(-1, keepdims=True)
        return self.output((weights @ _in_float32(values[:, :used])).reshape(-1))

    def feed_forward(self, x: Array) -> Array:
        """What the feed-forward network adds to the residual stream, (C,)."""
        gate, up = self.gate_and_up(x).reshape(2, -1)
        up *= gate
        up /= 1 + np.exp(-gate)
        return self.down(up)


@contextmanager
def _torch_in_one_thread() -> Iterator[None]:
    """Torch's products take one thread: for one row, two wait longer than they work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _keep_openblas_to_one_thread() -> None:
    """Have OpenBLAS take one thread from now on.

    Its threads spin while they wait: for one row two were no faster than one, and many times slower
    beside other programs.
    """
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:  # on a bare machine that trains: it writes samples only
        return
    ThreadpoolController().select(internal_api="openblas").limit(limits=1)


def _unit(x: Array) -> Array:
    """A row (C,) brought to length 1."""
    return x * (1 / math.sqrt(x @ x + len(x) * EPS))


def _in_float32(part: Array) -> Array:
    """A part of the cache; torch reads float16 many times as fast as numpy."""
    return part if part.dtype == np.float32 else torch.from_numpy(part).float().numpy()
