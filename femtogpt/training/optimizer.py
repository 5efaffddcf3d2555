"""The optimiser: Muon for hidden matrices and AdamW for the rest, or AdamW alone.

Muon takes matrices only, and the embedding, which is also the head, is better left to AdamW.
"""

from __future__ import annotations

import torch

from femtogpt.config import TrainConfig
from femtogpt.model.gpt import GPT
from femtogpt.training.distributed import spread_like
from femtogpt.training.muon import Muon


class Optimizer:
    """Several torch optimisers as one, with a common factor on their rates."""

    def __init__(self, model: GPT, config: TrainConfig, dtype: torch.dtype = torch.float32):
        """``dtype``: of the matrix products in Muon's iterations."""
        decay = config.weight_decay or 0.0  # not settled in a plan, which it does not change
        hidden = [weight for weight in model.layers.parameters() if weight.ndim == 2]
        head = [model.embed_tokens.weight]
        vectors = [weight for weight in model.parameters() if weight.ndim < 2]
        adamw = [
            {"params": head, "weight_decay": decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        if config.optimizer == "adamw":
            adamw.insert(0, {"params": hidden, "weight_decay": decay})
        self.parts: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(adamw, lr=config.learning_rate, betas=(0.9, 0.95), fused=True)
        ]
        if config.optimizer == "muon":
            self.parts.append(Muon(hidden, dtype, lr=config.muon_learning_rate, weight_decay=decay))
        self.peaks = [[group["lr"] for group in part.param_groups] for part in self.parts]

    def set_rate(self, factor: float) -> None:
        """Train with this share of the peak rates."""
        for part, peaks in zip(self.parts, self.peaks, strict=True):
            for group, peak in zip(part.param_groups, peaks, strict=True):
                group["lr"] = peak * factor

    def step(self) -> None:
        for part in self.parts:
            part.step()

    def zero_grad(self) -> None:
        for part in self.parts:
            part.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states: list[dict]) -> None:
        """Take over the states, whole ones, of optimisers with the same weights in their order."""
        for part, state in zip(self.parts, states, strict=True):
            weights = [weight for group in part.param_groups for weight in group["params"]]
            spread = {
                number: {
                    name: spread_like(value, weights[number])
                    if _is_like(value, weights[number])
                    else value
                    for name, value in own.items()
                }
                for number, own in state["state"].items()
            }
            part.load_state_dict({**state, "state": spread})


def _is_like(value: object, weight: torch.Tensor) -> bool:
    return isinstance(value, torch.Tensor) and value.shape == weight.shape
