"""Estimates of the held-out loss while training, over all sources and of each."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from femtogpt.model.gpt import GPT
from femtogpt.model.score import mean_nats, spread_evenly
from femtogpt.tokens.shards import Shard, Tokens
from femtogpt.training.metrics import BITS


class HeldOut:
    """About ``count`` held-out tokens, spread evenly over each source."""

    def __init__(self, tokens: Tokens, context: int, count: int):
        self.parts = tokens.index["splits"]["held_out"]  # source to its tokens and characters
        total = tokens.total("held_out")
        self.sequences = {
            source: spread_evenly(
                {source: shards}, context, max(1, count * _predictions(shards) // total)
            )
            for source, shards in tokens.shards("held_out").items()
        }
        self.context = context

    def score(self, model: GPT, rows: int) -> tuple[float, dict[str, float]]:
        """The loss in nats per token, and bits per character by metric name.

        Those of each source are included if there are several. ``rows`` sequences are computed at
        once.
        """
        # Without dropout both are the same, and what was compiled for training serves here too.
        # (FSDP would wait for the gradients.)
        model.train(not model.config.dropout and not torch.distributed.is_initialized())
        nats = {
            source: mean_nats(model, sequences, (rows, self.context))
            for source, sequences in self.sequences.items()
        }
        model.train()
        loss = sum(nats[source] * part["tokens"] for source, part in self.parts.items())
        loss /= sum(part["tokens"] for part in self.parts.values())
        bits = {f"{BITS}/{source}": self._bits(nats[source], [source]) for source in nats}
        total = {BITS: self._bits(loss, list(nats))}
        return loss, total | (bits if len(bits) > 1 else {})

    def _bits(self, loss: float, sources: list[str]) -> float:
        tokens, characters = (
            sum(self.parts[source][unit] for source in sources) for unit in ("tokens", "characters")
        )
        return float(loss / math.log(2) * tokens / characters)


def _predictions(shards: Sequence[Shard]) -> int:
    return sum(shard.tokens - 1 for shard in shards)
