"""What an evaluation metric can use: the model, its texts and settings, and scores of documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # they import torch, which takes seconds
    from femtogpt.config import Config
    from femtogpt.model.gpt import GPT
    from femtogpt.model.score import Score
    from femtogpt.tokens.shards import Entry, Tokens
    from femtogpt.training.settings import TrainingSettings

TRAIN_TOKENS = 65536  # of the train split, for the gap between train and held-out


@dataclass
class EvaluationContext:
    """A trained model and its texts. What is expensive is computed once, when first used."""

    model: GPT  # in evaluation mode
    tokens: Tokens
    settings: TrainingSettings
    config: Config
    update: Callable[[int], None] = lambda tokens: None  # is given the tokens scored so far

    @cached_property
    def documents(self) -> dict[str, list[tuple[Entry, Score]]]:
        """The score of each held-out document, by source."""
        from femtogpt.model.score import score_shards

        scores, done = {}, 0
        for source, shards in self.tokens.shards("held_out").items():
            before = done

            def update(tokens: int, before: int = before) -> None:
                self.update(before + tokens)

            scores[source] = score_shards(self.model, shards, self.context, update=update)
            done += sum(score.tokens for _, score in scores[source])
        return scores

    @cached_property
    def sources(self) -> dict[str, Score]:
        """The score of each source's held-out documents together."""
        from femtogpt.model.score import Score

        return {
            source: sum((score for _, score in scores), Score())
            for source, scores in self.documents.items()
        }

    @cached_property
    def held_out(self) -> Score:
        """The score of all held-out documents together."""
        from femtogpt.model.score import Score

        return sum(self.sources.values(), Score())

    @cached_property
    def train_loss(self) -> float:
        """Nats per token of sequences spread evenly over the train split."""
        from femtogpt.model.score import PREDICTIONS, mean_nats, spread_evenly

        sequences = spread_evenly(self.tokens.shards("train"), self.context, TRAIN_TOKENS)
        shape = max(1, PREDICTIONS // self.context), self.context
        return mean_nats(self.model, sequences, shape)

    @property
    def context(self) -> int:
        """The model's context, in tokens."""
        return self.model.config.context
