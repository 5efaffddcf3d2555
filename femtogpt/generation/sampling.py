"""Drawing the next token from a model's logits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from femtogpt.config import SamplesConfig
from femtogpt.errors import UserError

MOSTLY_ENOUGH = 256  # of the likeliest tokens: to find them takes a twentieth of sorting all


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn; the changes apply in the order of the fields.

    Raises UserError for a value outside its range.
    """

    repetition_penalty: float = 1.0  # of tokens that the text has; 1: none (Keskar et al. 2019)
    temperature: float = 0.8  # 0: always the likeliest token
    top_k: int | None = None  # among so many of the likeliest
    top_p: float = 1.0  # among the fewest with this probability together (Holtzman et al. 2020)
    min_p: float = 0.0  # among those with this share of the likeliest's (Nguyen et al. 2024)

    def __post_init__(self) -> None:
        for name, fits, advice in (
            (
                "repetition_penalty",
                0 < self.repetition_penalty <= 10,
                "more than 0, and at most 10",
            ),
            ("temperature", 0 <= self.temperature <= 10, "0 to 10"),
            ("top_k", self.top_k is None or self.top_k >= 1, "1 or more"),
            ("top_p", 0 < self.top_p <= 1, "more than 0, and at most 1"),
            ("min_p", 0 <= self.min_p <= 1, "0 to 1"),
        ):
            if not fits:
                raise UserError(f"{name} {getattr(self, name)} is out of range: give {advice}")

    @classmethod
    def of(cls, config: SamplesConfig) -> Sampling:
        """That of a configuration's samples."""
        return cls(temperature=config.temperature, top_k=config.top_k, top_p=config.top_p)

    def draw(self, logits: Tensor, seen: Collection[int], random: torch.Generator) -> int:
        """Draw an id by logits (V,), after a text with the ids ``seen``.

        Of several that are likeliest, temperature 0 takes the first.
        """
        values = logits.cpu().numpy()  # whose calls take a fifth of the time of torch's
        if self.repetition_penalty != 1:
            penalty, values = self.repetition_penalty, values.copy()
            before = values[[*seen]]
            values[[*seen]] = np.where(before > 0, before / penalty, before * penalty)
        if self.temperature == 0:
            return int(values.argmax())
        likeliest = _likeliest(values, self.top_k or MOSTLY_ENOUGH)
        sums = self._sums(values, likeliest)
        if self.top_k is None and len(sums) == len(likeliest) < len(values):  # others may be, too
            likeliest = _likeliest(values, len(values))
            sums = self._sums(values, likeliest)
        share = torch.rand((), generator=random, dtype=torch.double, device=random.device)
        return int(likeliest[sums.searchsorted(share.item() * sums[-1], side="right")])

    def _sums(self, logits: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """The chances of the likeliest ids, each with those before it, as far as they may be drawn.

        The first always may. With ``top_k`` there are no other chances.
        """
        highest = logits[ids[0]]
        with np.errstate(over="ignore"):  # a tiny temperature: e^−∞ is 0
            powers = np.exp((logits[ids] - highest) / self.temperature)
            whole = powers if self.top_k else np.exp((logits - highest) / self.temperature)
        chances = powers / whole.sum()
        sums = chances.cumsum(dtype=np.float64)
        in_top_p = sums.searchsorted(self.top_p) + 1
        return sums[: min(in_top_p, np.count_nonzero(chances >= self.min_p * chances[0]))]


def _likeliest(logits: np.ndarray, most: int) -> np.ndarray:
    """Up to ``most`` of the likeliest ids, the likeliest first."""
    if most >= len(logits):
        return logits.argsort()[::-1]
    ids = logits.argpartition(-most)[-most:]
    return ids[logits[ids].argsort()[::-1]]
