"""Interpolated modified Kneser–Ney over token ids.

After Chen and Goodman (1998), "An empirical study of smoothing techniques for language modeling",
with three discounts for each order. A probability is

    p(w | context) = share(context, w) + backoff(context) × p(w | context without its first id)

down to the unigrams, which back off to an even guess. Shapes as in ``levels``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from femtogpt.ngram.levels import NONE, Ids, Level, count

ORDERS = range(2, 6)
POSITIONS = 1 << 20  # scored at once
USUAL_DISCOUNTS = np.array([0, 0.5, 1, 1.5])
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Order:
    """The probabilities of one order."""

    keys: Ids  # (G,), as in Level
    starts: Ids  # (P + 1,)
    counts: Ids  # (G,), as in Level
    totals: NDArray[np.float64]  # (P,): the sum of each context's counts
    discounts: NDArray[np.float64]  # (4,): of counts of 0, 1, 2, and 3 or more
    shares: Floats  # (G,): of each n-gram's last id, after its context
    backoffs: Floats  # (P,): what is left of each context for the order below

    @classmethod
    def of(cls, level: Level) -> Order:
        """The probabilities of a level: its counts less discounts, which are what backs off."""
        discounts = _discounts(level.counts)
        taken = discounts[np.minimum(level.counts, 3)]
        totals, left = (_sums(values, level.starts) for values in (level.counts, taken))
        shares = (level.counts - taken) / np.repeat(totals, np.diff(level.starts))
        backoffs = np.divide(left, totals, out=np.ones(len(totals)), where=totals > 0)
        parts = shares.astype(np.float32), backoffs.astype(np.float32)
        return cls(level.keys, level.starts, level.counts, totals, discounts, *parts)

    def find(self, prefixes: Ids, ids: Ids, vocab_size: int) -> Ids:
        """The index of each n-gram (prefix, id); NONE if the text does not have it."""
        wanted = np.where(prefixes == NONE, NONE, prefixes * vocab_size + ids)
        if not len(self.keys):
            return np.full_like(wanted, NONE)
        # torch's search is three times as fast as numpy's, on one thread.
        found = torch.searchsorted(torch.from_numpy(self.keys), torch.from_numpy(wanted)).numpy()
        found = np.minimum(found, len(self.keys) - 1)
        return np.where(self.keys[found] == wanted, found, NONE)


class NGram:
    """The model; ``orders[0]`` are the unigrams."""

    def __init__(self, orders: Sequence[Order], vocab_size: int):
        self.orders, self.vocab_size = list(orders), vocab_size

    @classmethod
    def train(
        cls, texts: Iterable[NDArray[np.integer]], eos: int, vocab_size: int, order: int = 4
    ) -> NGram:
        """Count ``texts``, each ``eos document eos document … eos``, and smooth the counts.

        Orders that no document is long enough for are left out. Raises ValueError if ``order`` is
        not in ORDERS or the texts have no ids.
        """
        if order not in ORDERS:
            raise ValueError(f"order {order} is not one of {ORDERS.start} to {ORDERS.stop - 1}")
        levels = count(texts, eos, vocab_size, order)
        if not len(levels[0].keys):
            raise ValueError("there is no text to count")
        return cls([Order.of(level) for level in levels if len(level.keys)], vocab_size)

    @property
    def order(self) -> int:
        return len(self.orders)

    @property
    def unigrams(self) -> NDArray[np.float64]:
        """The probability of each id without a context, (V,)."""
        first = self.orders[0]
        even = first.backoffs[0] / self.vocab_size
        probabilities = np.full(self.vocab_size, even, np.float64)
        probabilities[first.keys] += first.shares
        return probabilities

    def contexts(self, ids: Ids) -> list[Ids]:
        """For n from 2 to the order, the index of the n − 1 ids that end at each position.

        Of ids (…, T), of shape (…, T) each; NONE where they reach over the beginning, or the text
        does not have them.
        """
        begins = self.orders[0].find(np.zeros_like(ids), ids, self.vocab_size)
        contexts = [begins]
        for n, order in enumerate(self.orders[1:-1], 2):
            begins = order.find(begins[..., :-1], ids[..., n - 1 :], self.vocab_size)
            missing = np.full((*ids.shape[:-1], min(n - 1, ids.shape[-1])), NONE)
            contexts.append(np.concatenate([missing, begins], axis=-1))
        return contexts

    def log2_probabilities(self, ids: NDArray[np.integer]) -> NDArray[np.float64]:
        """The log2-probability of each id but the first, (N − 1,), given those before it."""
        parts = [np.empty(0)]
        for start in range(0, len(ids) - 1, POSITIONS):
            read = min(start, self.order - 2)  # ids before the chunk that its contexts reach
            part = ids[start - read : start + POSITIONS + 1].astype(np.int64)
            parts.append(np.log2(self._probabilities(part)[read:]))
        return np.concatenate(parts)

    def _probabilities(self, ids: Ids) -> NDArray[np.float64]:
        targets = ids[1:]
        probabilities = self.unigrams[targets]
        for order, context in zip(self.orders[1:], self.contexts(ids[:-1]), strict=True):
            found = order.find(context, targets, self.vocab_size)
            shares = np.where(found == NONE, 0, order.shares[found])
            backoffs = np.where(context == NONE, 1, order.backoffs[context])
            probabilities = shares + backoffs * probabilities
        return probabilities


def _sums(values: NDArray[np.generic], starts: Ids) -> NDArray[np.float64]:
    """The sum of the values of each prefix, (P,)."""
    running = np.concatenate([np.zeros(1), np.cumsum(values, dtype=np.float64)])
    sums: NDArray[np.float64] = np.diff(running[starts])
    return sums


def _discounts(counts: Ids) -> NDArray[np.float64]:
    """What is taken from counts of 0, 1, 2, and 3 or more (Chen and Goodman 1998, equation 26).

    A text so small that it lacks one of these counts gets the discounts of a usual text.
    """
    n1, n2, n3, n4 = (int(np.count_nonzero(counts == value)) for value in (1, 2, 3, 4))
    if not n1 * n2 * n3 * n4:
        return USUAL_DISCOUNTS
    share = n1 / (n1 + 2 * n2)
    taken = [1 - 2 * share * n2 / n1, 2 - 3 * share * n3 / n2, 3 - 4 * share * n4 / n3]
    if not all(0 < discount < value for value, discount in enumerate(taken, 1)):
        return USUAL_DISCOUNTS
    return np.array([0, *taken])
