"""What a checkpoint holds of a training: all that the next step depends on."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import torch

from femtogpt.errors import UserError
from femtogpt.model.gpt import GPT
from femtogpt.training.checkpoint import Checkpoint, load_newest
from femtogpt.training.distributed import gathered, spread_like
from femtogpt.training.ema import Average
from femtogpt.training.gradient import Gradient
from femtogpt.training.optimizer import Optimizer
from femtogpt.training.precision import Precision

log = logging.getLogger(__name__)


@dataclass
class State:
    """The parts of a training that change as it goes on."""

    model: GPT
    optimizer: Optimizer
    precision: Precision
    average: Average
    gradient: Gradient
    leads: bool = True  # of several processes, the one that writes

    def weights(self) -> dict[str, torch.Tensor]:
        """The model's, by their names; not copied where they are on the processor, and whole.

        Nothing in a process that does not lead.
        """
        state = gathered(dict(self.model.state_dict()), self.leads)
        return (
            {name: value.cpu().contiguous() for name, value in state.items()} if self.leads else {}
        )

    def load(self, weights: dict[str, torch.Tensor]) -> None:
        """Take over the model's weights, each whole."""
        own = self.model.state_dict()
        self.model.load_state_dict(
            {name: spread_like(value, own[name]) for name, value in weights.items()}
        )

    def checkpoint(self, step: int, metrics_size: int, seconds: float) -> Checkpoint:
        """The state after so many steps; not a copy."""
        state = {
            "optimizer": gathered(self.optimizer.state_dict(), self.leads),
            "scaler": self.precision.scaler.state_dict(),
            "average": gathered(self.average.state(), self.leads),
            "windows": self.gradient.windows,
        }
        return Checkpoint(step, metrics_size, seconds, self.weights(), state)

    def resume(self, run: Path) -> tuple[int, float, int]:
        """Take over the newest checkpoint: its step, seconds and bytes of metrics, or zeros.

        UserError where it is of a model of another shape.
        """
        found = load_newest(run)
        if found is None:
            return 0, 0.0, 0
        shapes = {name: value.shape for name, value in self.model.state_dict().items()}
        if shapes != {name: value.shape for name, value in found.weights.items()}:
            raise UserError(
                f"{run} has checkpoints of a model of another shape:"
                " give its settings, or train in another folder"
            )
        self.load(found.weights)
        self.optimizer.load_state_dict(found.state["optimizer"])
        if found.state["scaler"]:  # empty where the run was not in float16 so far
            self.precision.scaler.load_state_dict(found.state["scaler"])
        self.average.load(found.state["average"])
        self.gradient.windows = min(self.gradient.windows, found.state["windows"])
        log.info("going on from the checkpoint at step %s", f"{found.step:,}")
        return found.step, found.seconds, found.metrics_size
