"""Near-duplicates: documents with mostly the same words in the same order, found by MinHash.

A document is the set of its shingles: each run of SHINGLE words, letters only, in lower case, ё
as е. Two documents are as similar as their sets: shingles in both over shingles in either
(Jaccard). A signature of HASHES numbers stands for a set; the share of equal numbers in two
signatures estimates the similarity without bias, for texts of any length, with a standard error
of at most ``√(s(1−s)/HASHES)``: 0.035 at a similarity of 0.8.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, groupby

import numpy as np
import polars as pl
from rensa import RMinHash

from femtogpt.corpus.shingles import shingles

HASHES = 128  # in a signature: 512 bytes for a document
NOTHING = np.uint32(2**32 - 1)  # fills the signature of a text without words
MISSED = 0.001  # probability that a pair of the least similarity looked for shares no band
LOWEST = 0.5  # similarity that ``Closest`` looks for
ROWS = 1 << 15  # pairs of signatures compared at once: bounds the memory
SEED = 1
_BAND = np.uint64(0x9E3779B97F4A7C15)


def signatures(texts: Sequence[str] | pl.Series) -> np.ndarray:
    """The signatures of texts: (texts, HASHES) uint32, the same on every machine.

    A text without words gets a signature that is similar to none.
    """
    return sketched(*shingles(texts))


def sketched(hashes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The signatures of texts given by their shingles."""
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, HASHES, SEED)
    numbers = chain.from_iterable(matrix.to_rows())
    found = np.fromiter(numbers, np.uint32, len(sizes) * HASHES).reshape(-1, HASHES)
    found[sizes == 0] = NOTHING
    return found


def similarity(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The estimated similarity, 0 to 1, of signatures row by row; one of them may be single."""
    return (one == other).mean(axis=-1) * (one[..., 0] != NOTHING)


def near_duplicates(signatures: np.ndarray, threshold: float = 0.7) -> list[tuple[int, int, float]]:
    """The documents that are near-duplicates of an earlier one that is kept.

    ``signatures``: (documents, HASHES). Returns (document, the kept one, their similarity, at
    least ``threshold``), by document. At 0.7, one word in two quatrains may differ, or 4 words
    in 100 of a long text; pages filled in from one form, as an encyclopedia's on the years, come
    to 0.5.

    Candidates share a band of their signatures. In each band a document is compared with the
    first of those that share it and with the one before, and then with what these are duplicates
    of: the time grows with the documents and not with their pairs, however many are alike.
    """
    count = len(signatures)
    pairs = np.empty(0, np.int64)  # document × count + an earlier one, each compared once
    alike = []
    for band in _bands(signatures, threshold):
        new = np.setdiff1d(_neighbours(band), pairs, assume_unique=True)
        pairs = np.union1d(pairs, new)
        found = _compared(signatures, new // count, signatures, new % count)
        alike.append(new[found >= threshold])
    del pairs
    of: dict[int, tuple[int, float]] = {}
    every = memoryview(np.sort(np.concatenate(alike))) if alike else ()
    for document, group in groupby(every, lambda pair: pair // count):  # the earlier are decided
        kept = sorted({of.get(pair % count, (pair % count,))[0] for pair in group})
        found = similarity(signatures[kept], signatures[document])
        best = int(found.argmax())
        if found[best] >= threshold:
            of[document] = kept[best], float(found[best])
    return [(document, *found) for document, found in of.items()]


def _neighbours(band: np.ndarray) -> np.ndarray:
    """Pairs of documents with an equal band: each with the first such, and with the one before.

    Returns document × documents + the earlier one: int64, sorted, each once.
    """
    count = len(band)
    order = np.argsort(band, kind="stable")
    starts = np.flatnonzero(np.diff(band[order], prepend=~band[order[:1]]))
    first = np.repeat(order[starts], np.diff(starts, append=len(order)))
    later = np.flatnonzero(order != first)
    document, before, first = order[later], order[later - 1], first[later]
    return np.unique(np.concatenate([document * count + before, document * count + first]))


class Closest:
    """Finds the most similar one of some documents."""

    def __init__(self, signatures: np.ndarray):
        """``signatures``: (documents, HASHES) uint32."""
        self.signatures = signatures
        self._sorted = []
        for band in _bands(signatures, LOWEST):
            order = np.argsort(band, kind="stable").astype(np.int32)
            self._sorted.append((band[order], order))

    def to(self, signatures: np.ndarray) -> tuple[int, int, float] | None:
        """(row of ``signatures``, document, similarity) of a most similar pair.

        None where no pair is found; those less similar than LOWEST are not looked for.
        """
        best = None
        for (keys, order), band in zip(self._sorted, _bands(signatures, LOWEST), strict=True):
            for side in ("left", "right"):  # the first and the last with an equal band
                place = np.searchsorted(keys, band, side)
                place = np.clip(place - (side == "right"), 0, max(len(keys) - 1, 0))
                rows = np.flatnonzero(keys[place] == band) if len(keys) else place[:0]
                found = _compared(signatures, rows, self.signatures, order[place[rows]])
                if len(found) and found.max() > (best[2] if best else 0):
                    row = int(found.argmax())
                    best = int(rows[row]), int(order[place[rows[row]]]), float(found[row])
        return best


def _bands(signatures: np.ndarray, threshold: float) -> Iterator[np.ndarray]:
    """Hashes of signatures, (documents,) uint64 each; similar documents share at least one.

    A band is a hash of some rows of a signature: as many as leave a pair of similarity
    ``threshold`` without a shared band at a probability of at most MISSED.
    """
    rows = max(
        (r for r in range(2, 17) if (1 - threshold**r) ** (HASHES // r) <= MISSED), default=1
    )
    for start in range(0, HASHES - rows + 1, rows):
        band = np.zeros(len(signatures), np.uint64)
        for row in range(start, start + rows):
            band = (band ^ signatures[:, row]) * _BAND
            band ^= band >> np.uint64(32)
        yield band


def _compared(
    one: np.ndarray, rows: np.ndarray, other: np.ndarray, others: np.ndarray
) -> np.ndarray:
    """The similarities of pairs, given by their rows in two matrices of signatures."""
    parts = [
        similarity(one[rows[at : at + ROWS]], other[others[at : at + ROWS]])
        for at in range(0, len(rows), ROWS)
    ]
    return np.concatenate(parts) if parts else np.empty(0)
