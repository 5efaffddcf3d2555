"""The distinct n-grams of a text, order by order, as sorted arrays.

Each level is a layer of a trie: an n-gram is the index of its first n − 1 ids in the level below,
and its last id. A document's start is the eos before it, which no n-gram reaches across.

Shapes: N ids of text, G n-grams of a level, P those of the level below it, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
NONE = -1  # the index of an n-gram that the text does not have


@dataclass(frozen=True)
class Level:
    """The distinct n-grams of one order, sorted by prefix, then by last id."""

    keys: Ids  # (G,): index of the prefix × V + last id
    starts: Ids  # (P + 1,): where the n-grams of each prefix begin
    counts: Ids  # (G,): occurrences, or distinct ids before it where a longer order has these


def count(
    texts: Iterable[NDArray[np.integer]], eos: int, vocab_size: int, order: int
) -> list[Level]:
    """The levels 1 to ``order`` of ``texts``, each ``eos document eos document … eos``.

    Counts of the highest order are occurrences. Below it they are numbers of distinct ids before
    the n-gram, as Kneser and Ney (1995) ask for, or occurrences where it begins a document.
    """
    ids = np.concatenate([np.empty(0, np.int64), *texts]).astype(np.int64)
    is_eos = ids == eos
    levels: list[Level] = []
    numbers = np.zeros(len(ids), np.int64)  # index of the (n − 1)-gram that begins at each position
    size = 1  # n-grams of the level below
    for n in range(1, order + 1):
        positions = max(0, len(ids) - n + 1)
        keys = numbers[:positions] * vocab_size + ids[n - 1 :]
        keys[~_is_whole(numbers[:positions], is_eos, n)] = NONE
        below = numbers
        distinct, first, numbers, counts = _distinct(keys)
        if levels:
            continuations = np.bincount(below[first + 1], minlength=size)
            levels[-1].counts[:] = np.where(continuations, continuations, levels[-1].counts)
        starts = np.searchsorted(distinct, np.arange(size + 1) * vocab_size)
        levels.append(Level(distinct, starts, counts))
        size = len(distinct)
    return levels


def _is_whole(number: Ids, is_eos: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
    """Whether the n-gram at each position keeps to one document: eos is only its first or last."""
    if n == 1:
        return np.ones(len(number), np.bool_)
    before = is_eos[n - 2 : n - 2 + len(number)]  # the last id but one
    if n == 2:
        return ~(before & is_eos[1 : 1 + len(number)])  # no empty documents
    return (number != NONE) & ~before


def _distinct(keys: Ids) -> tuple[Ids, Ids, Ids, Ids]:
    """The distinct keys in order, where one of each stands, the index of each key, and how many.

    Like numpy.unique, but without a stable sort, which takes four times as long; NONE is left out.
    """
    order = np.argsort(keys)
    ordered = keys[order]
    begins = np.empty(len(keys), np.bool_)
    begins[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    missing = int(len(ordered) > 0 and ordered[0] == NONE)
    index = np.cumsum(begins) - 1 - missing
    number = np.empty(len(keys), np.int64)
    number[order] = index
    places = np.flatnonzero(begins)
    occurrences = np.diff(np.append(places, len(keys)))
    return ordered[places[missing:]], order[places[missing:]], number, occurrences[missing:]
