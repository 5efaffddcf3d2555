"""The device and the number format of a training."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from femtogpt.config import TrainConfig
from femtogpt.model.loading import find_device


class Precision:
    """The device, the format of matrix products, and the loss scaling that float16 needs.

    Weights, gradients and optimizer states stay in float32.
    """

    def __init__(self, config: TrainConfig, device: str | None = None):
        self.device = find_device(device or config.device)
        self.name = self._best() if config.precision == "auto" else config.precision
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.name == "float16")

    @property
    def dtype(self) -> torch.dtype:
        """The format of matrix products."""
        return {
            "float32": torch.float32,
            "bfloat16": torch.bfloat16,
            "float16": torch.float16,
        }[self.name]

    def _best(self) -> str:
        if self.device.type == "cpu":
            can = torch.cpu.get_capabilities()
            return "bfloat16" if can.get("avx512_bf16") or can.get("amx_bf16") else "float32"
        capability = torch.cuda.get_device_capability(self.device)
        if capability >= (8, 0):
            return "bfloat16"
        # Turing and Volta have fast float16 and only emulate bfloat16; older cards have neither.
        return "float16" if capability >= (7, 0) else "float32"

    def autocast(self) -> AbstractContextManager[object]:
        """Within this context, matrix products are computed in the chosen format."""
        if self.name == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.dtype)
