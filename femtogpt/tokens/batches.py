"""The order of training: which windows of which shards make which batch.

A batch is a function of (seed, step) alone, so that resuming needs one integer. An epoch takes
``weight`` passes over each source; each pass cuts the shards into windows at a new offset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from femtogpt.errors import UserError
from femtogpt.tokens.permutation import Permutation
from femtogpt.tokens.shards import Shard


class Batches:
    """The batches of a training.

    ``shards`` are those of each source, ``weights`` the sources' passes per epoch (default 1).
    Of ``size`` processes each takes its share of a batch, by ``rank``. Memory does not grow with
    the number of windows.
    """

    def __init__(
        self,
        shards: Mapping[str, Sequence[Shard]],
        context: int,
        batch_size: int,
        seed: int,
        weights: Mapping[str, float] | None = None,
        rank: int = 0,
        size: int = 1,
    ):
        self.context, self.batch_size, self.seed = context, batch_size, seed
        self.rows = range(rank * batch_size // size, (rank + 1) * batch_size // size)
        self.sources = [
            _Windows(parts, context, (seed, number)) for number, parts in enumerate(shards.values())
        ]
        tokens = sum(shard.tokens for parts in shards.values() for shard in parts)
        if not sum(source.count for source in self.sources):
            raise UserError(
                f"the train split has {tokens} tokens, less than one window of model.context"
                f" {context}: lower model.context or add text"
            )
        weights = weights or {}
        self.taken = [
            max(1, round(weights.get(name, 1.0) * source.count)) if source.count else 0
            for name, source in zip(shards, self.sources, strict=True)
        ]
        self.windows = sum(self.taken)  # per epoch
        self._order = lru_cache(maxsize=2)(self._permuted)  # an epoch may end within a batch

    @property
    def tokens_per_epoch(self) -> int:
        return self.windows * self.context

    def _permuted(self, epoch: int) -> Permutation:
        return Permutation(self.windows, (self.seed, 1, epoch))

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of a step, each int64 of shape (batch_size / size, context)."""
        rows = []
        for row in self.rows:
            epoch, place = divmod(step * self.batch_size + row, self.windows)
            item = self._order(epoch)[place]
            for source, taken in zip(self.sources, self.taken, strict=True):
                if item < taken:
                    rows.append(source.window(epoch * taken + item))
                    break
                item -= taken
        windows = np.stack(rows).astype(np.int64)
        return windows[:, :-1], windows[:, 1:]


class _Windows:
    """A source as an endless sequence of windows: pass after pass, each in a new order."""

    def __init__(self, shards: Sequence[Shard], context: int, seed: tuple[int, ...]):
        self.context, self.seed = context, seed
        self.shards = [shard for shard in shards if shard.tokens > context]
        # One window less than fits leaves room for an offset of up to a whole context.
        self.counts = [max(1, shard.tokens // context - 1) for shard in self.shards]
        self.ends = np.cumsum(self.counts)
        self.count = int(sum(self.counts))
        self._pass = lru_cache(maxsize=2)(self._permuted)

    def _permuted(self, number: int) -> tuple[Permutation, list[int]]:
        random = np.random.default_rng((*self.seed, 2, number))
        slack = (
            shard.tokens - 1 - count * self.context
            for shard, count in zip(self.shards, self.counts, strict=True)
        )
        offsets = [int(random.integers(min(room, self.context - 1) + 1)) for room in slack]
        return Permutation(self.count, (*self.seed, 3, number)), offsets

    def window(self, item: int) -> np.ndarray:
        """The ids (context + 1 of them) of one window of the endless sequence."""
        number, place = divmod(item, self.count)
        order, offsets = self._pass(number)
        window = order[place]
        which = int(np.searchsorted(self.ends, window, side="right"))
        first = window - (int(self.ends[which - 1]) if which else 0)
        start = offsets[which] + first * self.context
        return self.shards[which].ids[start : start + self.context + 1]
