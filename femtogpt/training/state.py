"""The state of a training: all that the next step depends on, to and from checkpoints."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from femtogpt.errors import UserError
from femtogpt.model.gpt import GPT
from femtogpt.training.checkpoint import Checkpoint, load_newest
from femtogpt.training.distributed import distribute_like, full_tensor, gather
from femtogpt.training.ema import EMA
from femtogpt.training.gradient import Gradient
from femtogpt.training.optimizer import Optimizer
from femtogpt.training.precision import Precision

log = logging.getLogger(__name__)


class Progress(NamedTuple):
    """Where a checkpoint was taken; all zero without one."""

    step: int = 0
    seconds: float = 0.0  # of training
    metrics_size: int = 0  # bytes


@dataclass
class TrainState:
    """The parts of a training that change as it goes on."""

    model: GPT
    optimizer: Optimizer
    precision: Precision
    ema: EMA
    gradient: Gradient
    is_main: bool = True  # of several processes, the one that writes

    def weights(self) -> dict[str, torch.Tensor]:
        """The model's full weights by name, on the CPU; empty if this is not the main process.

        They are not copied if they are on the CPU already.
        """
        state = gather(dict(self.model.state_dict()), self.is_main)
        if not self.is_main:
            return {}
        return {name: value.cpu().contiguous() for name, value in state.items()}

    def load(self, weights: dict[str, torch.Tensor]) -> None:
        """Load full weights into the model."""
        own = self.model.state_dict()
        self.model.load_state_dict(
            {name: distribute_like(value, own[name]) for name, value in weights.items()}
        )

    def begin_with(self, weights: dict[str, torch.Tensor]) -> None:
        """Begin a training with given weights."""
        self.load(weights)
        self.ema.load([])

    def begin_with_embedding(self, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
        """Begin a training with another embedding (V, C), made from the random one."""
        weight = self.model.embed_tokens.weight
        with torch.no_grad():
            changed = change(full_tensor(weight).cpu()).to(weight.device)
            weight.copy_(distribute_like(changed, weight))
        self.ema.load([])

    def checkpoint(self, step: int, metrics_size: int, seconds: float) -> Checkpoint:
        """The state after ``step`` steps; not a copy."""
        state = {
            "optimizer": gather(self.optimizer.state_dict(), self.is_main),
            "scaler": self.precision.scaler.state_dict(),
            "average": gather(self.ema.state(), self.is_main),
            "sequences": self.gradient.sequences,
        }
        return Checkpoint(step, metrics_size, seconds, self.weights(), state)

    def sizes(self) -> tuple[int, int]:
        """Bytes of the weights and of the rest of a checkpoint: moments and the average."""
        weights = sum(_bytes(value) for value in self.model.state_dict().values())
        average = sum(map(_bytes, self.ema.state()))
        return weights, self.optimizer.state_size() + average

    def resume(self, run: Path) -> Progress:
        """Load the newest checkpoint in ``run``, if there is one.

        Raises UserError if its model has another shape.
        """
        checkpoint = load_newest(run)
        if checkpoint is None:
            return Progress()
        shapes = {name: value.shape for name, value in self.model.state_dict().items()}
        if shapes != {name: value.shape for name, value in checkpoint.weights.items()}:
            raise UserError(
                f"{run} has checkpoints of a model of another shape:"
                " use that model's settings, or train in another folder"
            )
        state = checkpoint.state
        self.load(checkpoint.weights)
        self.optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:  # empty where the run was not in float16 so far
            self.precision.scaler.load_state_dict(state["scaler"])
        self.ema.load(state["average"])
        before: int = state["sequences" if "sequences" in state else "windows"]  # in version 0.1
        self.gradient.sequences = min(self.gradient.sequences, before)
        log.info("going on from the checkpoint at step %s", f"{checkpoint.step:,}")
        return Progress(checkpoint.step, checkpoint.seconds, checkpoint.metrics_size)


def _bytes(value: torch.Tensor) -> int:
    """Of a whole tensor, even if this process has only a part of it."""
    return value.numel() * value.element_size()
