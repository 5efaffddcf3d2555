"""Formats of a model's matrices: what the engine keeps them in and multiplies by.

What is multiplied comes in float32, and so does the product.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from femtogpt.errors import UserError

Multiply = Callable[[Tensor], Tensor]  # (N, inputs) to (N, outputs)
FORMATS = ("float32", "bfloat16", "int8")
AUTO = "auto"
FASTER_AS_INT8 = 20_000_000  # weights; fewer of them stay in the processor's cache as they are
MANY = (
    16  # rows from which MKL is up to twice as fast if they are columns; below 12 it is far slower
)
LEAST = 1e-12  # of a row's scale: a row may be zero


class Head(Protocol):
    """The embedding, which is the head too: one matrix in memory."""

    def __call__(self, x: Tensor) -> Tensor:
        """Logits (N, V) of x (N, C)."""

    def rows(self, ids: Tensor | int) -> Tensor:
        """The embeddings (N, C) of ids (N,), or the one of an id, (C,)."""


def format_for(wanted: str, device: torch.device, parameters: int) -> str:
    """The format that is meant; ``auto``: the fastest. Raises UserError if it cannot be had."""
    has_int8 = device.type == "cpu" and "fbgemm" in torch.backends.quantized.supported_engines
    if wanted == AUTO:
        return "int8" if has_int8 and parameters >= FASTER_AS_INT8 else "float32"
    if wanted not in FORMATS:
        raise UserError(f"weights {wanted!r} are unknown: give {AUTO}, {', '.join(FORMATS)}")
    if wanted == "int8" and not has_int8:
        raise UserError("weights int8 need an x86 processor and no GPU: use float32 or bfloat16")
    return wanted


def matrix(weight: Tensor, format: str) -> Multiply:
    """A weight (outputs, inputs) in a format."""
    return Int8(weight) if format == "int8" else Plain(weight, getattr(torch, format))


def head(weight: Tensor, format: str) -> Head:
    """The embedding (V, C) in a format."""
    return Int8Head(weight) if format == "int8" else Plain(weight, getattr(torch, format))


def of_one_row(multiply: Multiply) -> Callable[[np.ndarray], np.ndarray]:
    """The same for a row (inputs,) of numpy's, on a CPU."""
    if isinstance(multiply, Plain) and multiply.columns.dtype == torch.float32:
        columns = multiply.columns.numpy()
        return lambda row: row @ columns
    return lambda row: multiply(torch.from_numpy(row)[None])[0].numpy()


class Plain:
    """A matrix of floating-point numbers."""

    def __init__(self, weight: Tensor, dtype: torch.dtype):
        self.columns = weight.to(dtype).t()  # (inputs, outputs)
        # MKL multiplies few rows two to four times as fast so; other kernels want it as it was.
        self.is_turned = weight.device.type == "cpu" and dtype == torch.float32
        if self.is_turned:
            self.columns = self.columns.contiguous()

    def __call__(self, x: Tensor) -> Tensor:
        if self.is_turned and len(x) >= MANY:
            return (self.columns.t() @ x.t()).t().contiguous()
        return (x.to(self.columns.dtype) @ self.columns).float()

    def rows(self, ids: Tensor | int) -> Tensor:
        if isinstance(ids, int):
            return self.columns[:, ids].float()
        return self.columns.index_select(1, ids).t().float()


class Int8:
    """A matrix in FBGEMM's layout, a scale for each output; what it multiplies has 7 bits."""

    def __init__(self, weight: Tensor):
        scales, zeros = _scales(weight).double(), torch.zeros(len(weight), dtype=torch.long)
        torch.backends.quantized.engine = "fbgemm"  # whose layout the next lines make
        with warnings.catch_warnings():  # torch 2.13 has no other way, and means to remove this one
            warnings.simplefilter("ignore", UserWarning)
            numbers = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
        self.packed = torch.ops.quantized.linear_prepack(numbers, None)

    def __call__(self, x: Tensor) -> Tensor:
        # With 8 bits, sums of two products overflow 16 on processors without VNNI.
        product: Tensor = torch.ops.quantized.linear_dynamic(x, self.packed, True)
        return product


class Int8Head:
    """The embedding with a scale for each piece, in a layout whose rows can be read."""

    def __init__(self, weight: Tensor):
        self.scales = _scales(weight)
        self.numbers = (weight / self.scales[:, None]).round().to(torch.int8)
        self.scales_bfloat16 = self.scales.bfloat16()

    def __call__(self, x: Tensor) -> Tensor:
        x = x.bfloat16()  # of its other formats, torch multiplies a tenth as fast
        return torch._weight_int8pack_mm(x, self.numbers, self.scales_bfloat16).float()

    def rows(self, ids: Tensor | int) -> Tensor:
        return self.numbers[ids] * self.scales[ids, None]


def _scales(weight: Tensor) -> Tensor:
    """The scale of each row, (outputs,): its largest number becomes 127."""
    return (weight.abs().amax(1) / 127).clamp_min(LEAST)
