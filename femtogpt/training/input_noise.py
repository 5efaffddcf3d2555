"""Inputs that are replaced by any token (``train.input_noise``), so that none is relied upon."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class InputNoise:
    """Replaces each id with a probability of ``share``; where documents begin stays as it is."""

    share: float
    vocab_size: int
    eos: int  # between documents

    def __call__(self, ids: Tensor) -> Tensor:
        """Ids of the same shape, as torch's generator draws them."""
        if not self.share:
            return ids
        others = torch.randint_like(ids, self.vocab_size - 1)
        others += others >= self.eos  # any but that
        is_drawn = torch.rand(ids.shape, device=ids.device) < self.share
        return torch.where(is_drawn & (ids != self.eos), others, ids)
