"""A training beside its baselines, in words, and what would help one that ends above the n-gram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from femtogpt.evaluation.baseline import NGRAM, Baseline

RISE = 0.005  # of the held-out loss above its lowest: the model learns its text by heart


def comparison(
    baselines: Mapping[str, Baseline], bits: float, lines: Sequence[Mapping[str, Any]]
) -> list[str]:
    """The baselines' figures, and how a model with ``bits`` per character compares.

    ``lines`` are the training's metrics. Empty without baselines.
    """
    if not baselines:
        return []
    figures = (f"{each.title}: {each.bits_per_character:.3f}" for each in baselines.values())
    told = [" · ".join(figures) + " bits per character"]
    if (ngram := baselines.get(NGRAM)) is None:
        return told
    excess = bits / ngram.bits_per_character - 1
    if excess <= 0:
        return [*told, f"the model is {-excess:.1%} below the n-gram"]
    above = f"the model is {excess:.1%} above the n-gram, which only counts pieces:"
    return [*told, above, _advice(lines)]


def _advice(lines: Sequence[Mapping[str, Any]]) -> str:
    losses = [(line["held_out_loss"], line["step"]) for line in lines if "held_out_loss" in line]
    if losses and losses[-1][0] > (1 + RISE) * min(losses)[0]:
        return (
            f"its held-out loss has risen since step {min(losses)[1]:,}, so that more steps would"
            " not help, but more text would"
        )
    last = lines[-1]
    return (
        f"train it longer (train.max_steps={2 * last['step']} takes {duration(last['seconds'])}"
        " more at this speed), or give it more text"
    )


def duration(seconds: float) -> str:
    """``23 s``, ``5 min 3 s`` or ``2 h 5 min``."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
