"""The metrics of every evaluation. Add one here, as a function with ``@metric``."""

from __future__ import annotations

import math

from femtogpt.evaluation.evaluation_context import EvaluationContext
from femtogpt.evaluation.metric_registry import RANKING, metric


@metric(RANKING, unit="bits per character", better="lower")
def held_out_bits_per_character(context: EvaluationContext) -> float:
    return context.held_out.bits_per_character


@metric("held_out_loss", unit="nats per token", better="lower")
def held_out_loss(context: EvaluationContext) -> float:
    return context.held_out.loss


@metric("entropy_bits_per_character", unit="bits per character", better=None)
def entropy_bits_per_character(context: EvaluationContext) -> float | None:
    """The true entropy of the texts, which only made-up texts have."""
    return context.held_out.entropy


@metric("train_bits_per_character_estimate", unit="bits per character", better="lower")
def train_bits_per_character_estimate(context: EvaluationContext) -> float:
    """The gap to the held-out figure shows how much is memorized."""
    tokens = context.tokens
    per_character = tokens.total("train") / tokens.total("train", "characters")
    return context.train_loss / math.log(2) * per_character
