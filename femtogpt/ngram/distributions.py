"""The n-gram's distributions over the whole vocabulary, for all positions of a batch.

A distribution has few numbers of its own: those of the ids that were seen after its contexts, and
the weight with which the rest backs off. They are kept apart, since dense rows of a batch are tens
of megabytes. After a frequent id a large part of the vocabulary was seen, so the bigrams of these
are dense, and the same for all positions.

Shapes: N positions, M numbers in all, K frequent ids, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from femtogpt.ngram.kneser_ney import Floats, NGram
from femtogpt.ngram.levels import NONE, Ids

FREQUENT = 256  # ids whose bigrams are dense: they have nine tenths of the numbers of all bigrams


@dataclass(frozen=True)
class Sparse:
    """Distributions: that of position i is ``weights[i] × table[rows[i]]`` plus its own numbers."""

    rows: Ids  # (N,)
    weights: Floats  # (N,)
    bounds: Ids  # (N + 1,): where the numbers of each position begin
    ids: NDArray[np.int32]  # (M,); one may occur twice
    values: Floats  # (M,)


class Distributions:
    """The distributions of an n-gram model."""

    def __init__(self, ngram: NGram):
        self.ngram = ngram
        bigrams, unigrams = ngram.orders[1], ngram.unigrams
        sizes = np.diff(bigrams.starts)
        frequent = np.argsort(-sizes, kind="stable")[:FREQUENT]
        self.table = np.empty((1 + len(frequent), ngram.vocab_size), np.float32)  # (1 + K, V)
        self.table[0] = unigrams
        for row, context in enumerate(frequent, 1):
            self.table[row] = bigrams.backoffs[context] * unigrams
            seen = slice(bigrams.starts[context], bigrams.starts[context + 1])
            self.table[row][bigrams.keys[seen] % ngram.vocab_size] += bigrams.shares[seen]
        self.row_of = np.zeros(len(sizes) + 1, np.int64)  # by context; the last one is NONE's
        self.row_of[frequent] = np.arange(1, 1 + len(frequent))
        longer = ngram.orders[1:]
        last_ids = [(order.keys % ngram.vocab_size).astype(np.int32) for order in longer]
        self.ids = np.concatenate(last_ids)
        self.shares = np.concatenate([order.shares for order in longer])
        self.offsets = np.cumsum([0, *(len(order.keys) for order in longer)])

    def after(self, ids: Ids, targets: Ids | None = None) -> Sparse:
        """The distribution of the next id at each position of sequences ``ids`` (B, T).

        N is B × T. What stands before a sequence is not seen. With ``targets`` (B, T), which follow
        ``ids`` in the text that was counted, each distribution is that of the text without this one
        occurrence: of what the model would say if it had not been told.
        """
        contexts = [context.ravel() for context in self.ngram.contexts(ids)]
        rows = self.row_of[contexts[0]]
        left = np.ones(ids.size, np.float32)  # the weight of the orders to come
        begins, sizes = (np.zeros((ids.size, len(contexts)), np.int64) for _ in range(2))
        weights = np.zeros((ids.size, len(contexts)), np.float32)
        changes = []
        is_counted = np.full(ids.size, targets is not None)  # in the order at hand
        for column in reversed(range(len(contexts))):
            order, context = self.ngram.orders[column + 1], contexts[column]
            if column == 0:
                context = np.where(rows > 0, NONE, context)  # the table has them
            known = context != NONE
            begins[:, column] = order.starts[context] + self.offsets[column]
            sizes[:, column] = np.where(known, order.starts[context + 1] - order.starts[context], 0)
            weights[:, column] = left
            backoffs = np.where(known, order.backoffs[context], 1)
            if targets is not None:
                found = order.find(context, targets.ravel(), self.ngram.vocab_size)
                where = np.flatnonzero(is_counted & (found != NONE))
                count, total = order.counts[found[where]], order.totals[context[where]]
                taken, kept = (order.discounts[np.minimum(c, 3)] for c in (count, count - 1))
                rest = np.maximum(total - 1, 1)
                change = np.where(total > 1, total / rest, 0)
                weights[where, column] *= change
                share = (count - 1 - kept) / rest * left[where]
                changes.append((where, column, found[where] - order.starts[context[where]], share))
                less = (backoffs[where] * total - taken + kept) / rest
                backoffs[where] = np.where(total > 1, less, 1)
                is_counted[where] = count == 1  # then the shorter one has an id less before it
                is_counted &= ~known | (found != NONE)
            left = left * backoffs.astype(np.float32)
        bounds = np.concatenate([[0], np.cumsum(sizes.sum(1))])
        repeats = sizes.ravel()
        firsts = np.cumsum(repeats) - repeats
        index = np.repeat(begins.ravel() - firsts, repeats) + np.arange(bounds[-1])
        values = self.shares[index] * np.repeat(weights.ravel(), repeats)
        for where, column, number, share in changes:
            values[firsts.reshape(sizes.shape)[where, column] + number] = share
        return Sparse(rows, left, bounds, self.ids[index], values)
