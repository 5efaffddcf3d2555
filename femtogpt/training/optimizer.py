"""The optimizer: Muon for hidden matrices and AdamW for the rest, or AdamW alone.

Muon takes matrices only, and the embedding, which is also the head, is better left to AdamW, and
to steps that tokens share by their spelling.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from femtogpt.config import TrainConfig
from femtogpt.model.gpt import GPT
from femtogpt.training.distributed import distribute_like
from femtogpt.training.muon import Muon
from femtogpt.training.subwords import SubwordSteps


class Optimizer:
    """Several torch optimizers as one, with a common factor on their rates."""

    def __init__(
        self,
        model: GPT,
        config: TrainConfig,
        weight_decay: float,
        dtype: torch.dtype = torch.float32,
        pieces: Sequence[str] = (),
    ):
        """``dtype``: of the matrix products in Muon's iterations. ``pieces``: the tokens' texts."""
        hidden = [weight for weight in model.layers.parameters() if weight.ndim == 2]
        self.embedding = model.embed_tokens.weight
        vectors = [weight for weight in model.parameters() if weight.ndim < 2]
        adamw = [
            {"params": [self.embedding], "weight_decay": weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        if config.optimizer == "adamw":
            adamw.insert(0, {"params": hidden, "weight_decay": weight_decay})
        rate, betas = config.learning_rate, (0.9, config.beta2)
        self.named: dict[str, torch.optim.Optimizer] = {
            "adamw": torch.optim.AdamW(adamw, lr=rate, betas=betas, fused=True)
        }
        if config.optimizer == "muon":
            muon_rate = config.muon_learning_rate
            self.named["muon"] = Muon(hidden, dtype, lr=muon_rate, weight_decay=weight_decay)
        if config.subword_rate and pieces:
            rate *= config.subword_rate
            self.named["subwords"] = SubwordSteps(self.embedding, pieces, rate, betas)
        self.peaks = [[group["lr"] for group in part.param_groups] for part in self.parts]

    @property
    def parts(self) -> list[torch.optim.Optimizer]:
        return [*self.named.values()]

    def set_rate(self, factor: float) -> None:
        """Set the learning rates to this share of their peaks."""
        for part, peaks in zip(self.parts, self.peaks, strict=True):
            for group, peak in zip(part.param_groups, peaks, strict=True):
                group["lr"] = peak * factor

    def rates(self) -> dict[str, float]:
        """The learning rate of each optimizer, by name; its groups have the same."""
        return {name: part.param_groups[0]["lr"] for name, part in self.named.items()}

    def step(self) -> None:
        for part in self.parts:
            part.step()

    def zero_grad(self) -> None:
        for part in self.parts:
            part.zero_grad(set_to_none=True)

    def state_size(self) -> int:
        """Bytes of the moments that it will have: AdamW has two for each weight, Muon one."""
        moments = {"adamw": 2, "muon": 1, "subwords": 2}
        return sum(
            moments[name] * weight.numel() * weight.element_size()
            for name, part in self.named.items()
            for group in part.param_groups
            for weight in group["params"]
        )

    def state_dict(self) -> list[dict[str, Any]]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """Load the full states of optimizers with the same weights in the same order.

        Hyperparameters stay those of this training.
        """
        for part, state in zip(self.parts, states, strict=True):
            weights = [weight for group in part.param_groups for weight in group["params"]]
            own = part.state_dict()["param_groups"]
            distributed = {
                number: {
                    name: distribute_like(value, weights[number])
                    if _is_like(value, weights[number])
                    else value
                    for name, value in moments.items()
                }
                for number, moments in state["state"].items()
            }
            part.load_state_dict({"state": distributed, "param_groups": own})


def _is_like(value: object, weight: torch.Tensor) -> bool:
    return isinstance(value, torch.Tensor) and value.shape == weight.shape
