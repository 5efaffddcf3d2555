"""The order of training: which sequences of which shards make up which batch.

A batch depends on (seed, step) alone, so resuming needs a single integer. An epoch makes ``weight``
passes over each source. Each pass cuts the shards into sequences at new offsets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from femtogpt.errors import UserError
from femtogpt.tokens.permutation import Permutation
from femtogpt.tokens.shards import Shard


class Batches:
    """The batches of a training run.

    ``shards`` maps each source to its shards, ``weights`` maps it to its passes per epoch
    (default 1). Each of ``world_size`` processes takes the rows of a batch that belong to its
    ``rank``. Memory does not grow with the number of sequences. Raises UserError if the text is
    shorter than one sequence.
    """

    def __init__(
        self,
        shards: Mapping[str, Sequence[Shard]],
        context: int,
        batch_size: int,
        seed: int,
        weights: Mapping[str, float] | None = None,
        rank: int = 0,
        world_size: int = 1,
    ):
        self.context, self.batch_size, self.seed = context, batch_size, seed
        self.rows = range(rank * batch_size // world_size, (rank + 1) * batch_size // world_size)
        self.sources = [
            _SequenceStream(source_shards, context, (seed, number))
            for number, source_shards in enumerate(shards.values())
        ]
        if not sum(source.count for source in self.sources):
            tokens = sum(shard.tokens for source in shards.values() for shard in source)
            raise UserError(
                f"the train split has {tokens} tokens, fewer than one sequence of model.context"
                f" {context}: lower model.context or add text"
            )
        weights = weights or {}
        self.quotas = [  # sequences of each source in an epoch
            max(1, round(weights.get(name, 1.0) * source.count)) if source.count else 0
            for name, source in zip(shards, self.sources, strict=True)
        ]
        self.sequences_per_epoch = sum(self.quotas)
        self._order = lru_cache(maxsize=2)(self._permutation)  # an epoch may end within a batch

    @property
    def tokens_per_epoch(self) -> int:
        return self.sequences_per_epoch * self.context

    def _permutation(self, epoch: int) -> Permutation:
        return Permutation(self.sequences_per_epoch, (self.seed, 1, epoch))

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of a step, each int64 of shape (batch_size / world_size, context)."""
        sequences = np.stack(
            [self._sequence(step * self.batch_size + row) for row in self.rows]
        ).astype(np.int64)
        return sequences[:, :-1], sequences[:, 1:]

    def _sequence(self, position: int) -> np.ndarray:
        """The ids at a position of the whole training, counted in sequences."""
        epoch, index = divmod(position, self.sequences_per_epoch)
        number = self._order(epoch)[index]
        for source, quota in zip(self.sources, self.quotas, strict=True):
            if number < quota:
                return source.sequence(epoch * quota + number)
            number -= quota
        raise IndexError(position)


class _SequenceStream:
    """A source as an endless stream of sequences: pass after pass, each in a new order."""

    def __init__(self, shards: Sequence[Shard], context: int, seed: tuple[int, ...]):
        self.context, self.seed = context, seed
        self.shards = [shard for shard in shards if shard.tokens > context]
        # One sequence fewer than would fit leaves room for an offset of up to a whole context.
        self.counts = [max(1, shard.tokens // context - 1) for shard in self.shards]
        self.ends = np.cumsum(self.counts)
        self.count = int(sum(self.counts))
        self._pass = lru_cache(maxsize=2)(self._pass_order)

    def _pass_order(self, number: int) -> tuple[Permutation, list[int]]:
        """The order of the sequences in one pass, and the offset into each shard."""
        random = np.random.default_rng((*self.seed, 2, number))
        slack = (
            shard.tokens - 1 - count * self.context
            for shard, count in zip(self.shards, self.counts, strict=True)
        )
        offsets = [int(random.integers(min(room, self.context - 1) + 1)) for room in slack]
        return Permutation(self.count, (*self.seed, 3, number)), offsets

    def sequence(self, position: int) -> np.ndarray:
        """The context + 1 ids at a position of the endless stream, counted in sequences."""
        number, index = divmod(position, self.count)
        order, offsets = self._pass(number)
        sequence = order[index]
        shard = int(np.searchsorted(self.ends, sequence, side="right"))
        number_in_shard = sequence - (int(self.ends[shard - 1]) if shard else 0)
        start = offsets[shard] + number_in_shard * self.context
        return self.shards[shard].ids[start : start + self.context + 1]
