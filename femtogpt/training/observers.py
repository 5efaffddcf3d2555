"""What watches a training: the metrics file, the samples, or anything with these methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from femtogpt.model.gpt import GPT


@dataclass(frozen=True)
class Moment:
    """How far a training is."""

    step: int  # optimizer steps done
    tokens: int  # trained on
    seconds: float  # of training, pauses left out
    time: float  # Unix time


@dataclass(frozen=True)
class Evaluation:
    """An estimate of the held-out loss."""

    values: Mapping[str, float]  # held_out_loss in nats per token, bits per character, …
    model: GPT  # with the weights that were evaluated, only until the call returns
    is_milestone: bool  # the first or last one, or where an earlier training ended
    diverged: bool  # the training ends with an error after this


class Observer:
    """Is called while a training runs, in each of its processes; does nothing by default."""

    def on_step(self, moment: Moment, values: Mapping[str, float]) -> None:
        """After an optimizer step: its loss, gradient norm and learning rates."""

    def on_evaluation(self, moment: Moment, evaluation: Evaluation) -> None:
        """After an evaluation; the model is under autocast."""

    def on_sample(self, moment: Moment, text: str) -> None:
        """After the model has written a sample."""
