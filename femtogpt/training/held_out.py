"""Estimates of the held-out loss while training: of all held-out text, and of each source."""

from __future__ import annotations

import math

from femtogpt.model.gpt import GPT
from femtogpt.model.score import mean_nats, spread
from femtogpt.tokens.shards import Tokens
from femtogpt.training.metrics import BITS


class HeldOut:
    """About so many held-out tokens, evenly spread over each source, in windows of ``context``."""

    def __init__(self, tokens: Tokens, context: int, count: int):
        self.parts = tokens.index["splits"]["held_out"]  # source to its tokens and characters
        total = tokens.total("held_out")
        self.windows = {
            source: spread({source: shards}, context, max(1, count * _size(shards) // total))
            for source, shards in tokens.shards("held_out").items()
        }
        self.context = context

    def score(self, model: GPT, rows: int) -> tuple[float, dict[str, float]]:
        """Nats per token, and bits per character of all (and each, where there are several).

        ``rows`` windows are computed at once.
        """
        model.eval()
        nats = {
            source: mean_nats(model, some, (rows, self.context))
            for source, some in self.windows.items()
        }
        model.train()
        loss = sum(nats[source] * part["tokens"] for source, part in self.parts.items())
        loss /= sum(part["tokens"] for part in self.parts.values())
        bits = {f"{BITS}/{source}": self._bits(nats[source], [source]) for source in nats}
        whole = {BITS: self._bits(loss, list(nats))}
        return loss, whole | (bits if len(bits) > 1 else {})

    def _bits(self, loss: float, sources: list[str]) -> float:
        tokens, characters = (
            sum(self.parts[source][what] for source in sources) for what in ("tokens", "characters")
        )
        return loss / math.log(2) * tokens / characters


def _size(shards: list) -> int:
    return sum(shard.tokens - 1 for shard in shards)
