"""Near-duplicates: documents with mostly the same words in the same order, found by MinHash.

A document is the set of its shingles (word n-grams, see ``shingles``). The similarity of two
documents is that of their sets: the shingles in both over the shingles in either (Jaccard). A set
is represented by a signature of HASHES numbers. The share of equal numbers in two signatures
estimates the similarity without bias, for texts of any length, with a standard error of at most
``√(s(1−s)/HASHES)``: 0.035 at a similarity of 0.8.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, groupby

import numpy as np
import polars as pl
from rensa import RMinHash

from femtogpt.corpus.shingles import shingles

HASHES = 128  # in a signature: 512 bytes per document
EMPTY_TEXT = np.uint32(2**32 - 1)  # fills the signature of a text without words
MISS_PROBABILITY = 0.001  # that a pair with the least similarity searched for shares no band
MIN_SIMILARITY = 0.5  # of the pairs that ``SimilarityIndex`` searches for
PAIRS_AT_ONCE = 1 << 15  # pairs of signatures compared at once: bounds the memory
SEED = 1
_BAND_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def signatures(texts: Sequence[str] | pl.Series) -> np.ndarray:
    """The signatures of texts: (texts, HASHES) uint32, the same on every machine.

    A text without words gets a signature that is similar to no other.
    """
    return minhash(*shingles(texts))


def minhash(hashes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The signatures of texts given as ``shingles`` returns them: (texts, HASHES) uint32."""
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, HASHES, SEED)
    numbers = chain.from_iterable(matrix.to_rows())
    result = np.fromiter(numbers, np.uint32, len(sizes) * HASHES).reshape(-1, HASHES)
    result[sizes == 0] = EMPTY_TEXT
    return result


def similarity(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The estimated similarity, 0 to 1, of signatures row by row; one of them may be single."""
    return (one == other).mean(axis=-1) * (one[..., 0] != EMPTY_TEXT)


def near_duplicates(signatures: np.ndarray, threshold: float = 0.7) -> list[tuple[int, int, float]]:
    """The documents that are near-duplicates of an earlier document.

    ``signatures``: (documents, HASHES). Returns (document, original, similarity), by document; no
    original is a near-duplicate itself, and the similarity is at least ``threshold``. At 0.7, one
    word in two quatrains may differ, or 4 words in 100 of a long text. Pages made from a
    template, such as an encyclopedia's on years, reach 0.5.

    Candidates share a band of their signatures. In each band a document is compared with the first
    one that has the same band and with the one before it, and then with the originals of these. So
    the time grows with the number of documents and not of pairs, however many are alike.
    """
    count = len(signatures)
    compared = np.empty(0, np.int64)  # pairs, as document × count + an earlier document
    similar = []
    for band in _bands(signatures, threshold):
        pairs = np.setdiff1d(_neighbours(band), compared, assume_unique=True)
        compared = np.union1d(compared, pairs)
        values = _pair_similarities(signatures, pairs // count, signatures, pairs % count)
        similar.append(pairs[values >= threshold])
    del compared
    originals: dict[int, tuple[int, float]] = {}  # of each near-duplicate, with the similarity
    # In ascending order, so that the originals of all earlier documents are known.
    for document, group in groupby(np.sort(np.concatenate(similar)).data, lambda p: p // count):
        candidates = sorted({originals.get(pair % count, (pair % count,))[0] for pair in group})
        values = similarity(signatures[candidates], signatures[document])
        best = int(values.argmax())
        if values[best] >= threshold:
            originals[document] = candidates[best], float(values[best])
    return [(document, *original) for document, original in originals.items()]


def _neighbours(band: np.ndarray) -> np.ndarray:
    """Pairs of documents with an equal band: each with the first such one, and the one before it.

    Returns document × documents + the earlier document: int64, sorted, unique.
    """
    count = len(band)
    order = np.argsort(band, kind="stable")
    starts = np.flatnonzero(np.diff(band[order], prepend=~band[order[:1]]))
    first = np.repeat(order[starts], np.diff(starts, append=len(order)))
    later = np.flatnonzero(order != first)
    document, before, first = order[later], order[later - 1], first[later]
    return np.unique(np.concatenate([document * count + before, document * count + first]))


class SimilarityIndex:
    """Finds the documents most similar to others."""

    def __init__(self, signatures: np.ndarray):
        """``signatures``: (documents, HASHES) uint32."""
        self.signatures = signatures
        self._sorted_bands = []
        for band in _bands(signatures, MIN_SIMILARITY):
            order = np.argsort(band, kind="stable").astype(np.int32)
            self._sorted_bands.append((band[order], order))

    def most_similar(self, signatures: np.ndarray) -> tuple[int, int, float] | None:
        """(row of ``signatures``, indexed document, similarity) of a most similar pair.

        None if no pair is found; pairs less similar than MIN_SIMILARITY are not searched for.
        """
        best = None
        bands = _bands(signatures, MIN_SIMILARITY)
        for (keys, order), band in zip(self._sorted_bands, bands, strict=True):
            for side in ("left", "right"):  # the first and the last document with an equal band
                slots = np.searchsorted(keys, band, side)
                slots = np.clip(slots - (side == "right"), 0, max(len(keys) - 1, 0))
                rows = np.flatnonzero(keys[slots] == band) if len(keys) else slots[:0]
                documents = order[slots[rows]]
                values = _pair_similarities(signatures, rows, self.signatures, documents)
                if len(values) and values.max() > (best[2] if best else 0):
                    pair = int(values.argmax())
                    best = int(rows[pair]), int(documents[pair]), float(values[pair])
        return best


def _bands(signatures: np.ndarray, threshold: float) -> Iterator[np.ndarray]:
    """Hashes of parts of the signatures, (documents,) uint64 each; similar documents share one.

    A band hashes as many numbers of a signature as possible while a pair of similarity
    ``threshold`` shares no band with a probability of at most MISS_PROBABILITY.
    """
    size = max(
        (n for n in range(2, 17) if (1 - threshold**n) ** (HASHES // n) <= MISS_PROBABILITY),
        default=1,
    )
    for start in range(0, HASHES - size + 1, size):
        band = np.zeros(len(signatures), np.uint64)
        for number in range(start, start + size):
            band = (band ^ signatures[:, number]) * _BAND_FACTOR
            band ^= band >> np.uint64(32)
        yield band


def _pair_similarities(
    one: np.ndarray, rows: np.ndarray, other: np.ndarray, other_rows: np.ndarray
) -> np.ndarray:
    """The similarities of pairs, given as rows of two matrices of signatures."""
    blocks = [
        similarity(
            one[rows[start : start + PAIRS_AT_ONCE]],
            other[other_rows[start : start + PAIRS_AT_ONCE]],
        )
        for start in range(0, len(rows), PAIRS_AT_ONCE)
    ]
    return np.concatenate(blocks) if blocks else np.empty(0)
