"""Token embeddings to begin with, from which tokens stand beside which in the text.

They are the first singular vectors of the positive pointwise mutual information (PPMI) of tokens
and their neighbours (Levy & Goldberg 2014, Neural Word Embedding as Implicit Matrix Factorization),
with neighbours' frequencies smoothed (Levy et al. 2015, doi 10.1162/tacl_a_00134). Tokens that
occur in the same places are alike from the first step on: counting takes seconds, training longer.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from femtogpt.ngram.counted_text import counted_text
from femtogpt.tokens.shards import Tokens

WEIGHTS = {1: 1.0, 2: 0.5}  # of a neighbour, by its distance in tokens
SMOOTHING = 0.75  # exponent of neighbours' frequencies
ITERATIONS = 2  # of the randomized SVD
OVERSAMPLING = 32  # singular vectors that it computes besides, for those wanted to be precise
log = logging.getLogger(__name__)


def cooccurrence_embedding(embedding: Tensor, tokens: Tokens, seed: int) -> Tensor:
    """An embedding (V, C) on the CPU, with the root mean square of the given one.

    A token that the train split does not have keeps its row. ``seed`` decides alone; no other
    random number is drawn. Ten million tokens take some seconds and under a gigabyte of memory.
    """
    log.info("counting which tokens stand beside which, for the embeddings to begin with")
    ppmi = _ppmi(counted_text(tokens), tokens.vocab_size)
    vectors = _singular_vectors(ppmi, embedding.shape[1], seed)
    seen = vectors.abs().amax(1) > 0
    scale = embedding.square().mean().sqrt() / vectors[seen].square().mean().sqrt()
    return torch.where(seen[:, None], vectors * scale, embedding)


def _ppmi(texts: Sequence[NDArray[np.integer]], vocab_size: int) -> Tensor:
    """PPMI of tokens (rows) and what stands after and before them, (V, 2 V), sparse."""
    from scipy import sparse  # here: most commands do not need it

    after = sparse.csr_array((vocab_size, vocab_size))
    for text in texts:
        for distance, weight in WEIGHTS.items():
            pairs = text[:-distance], text[distance:]
            weights = np.full(len(pairs[0]), weight, np.float32)
            after += sparse.csr_array((weights, pairs), shape=after.shape)
    both = sparse.hstack([after, after.T]).tocoo()
    rows, columns = both.sum(1), both.sum(0) ** SMOOTHING
    expected = rows[both.row] * (columns / columns.sum())[both.col]
    values = np.log(both.data / expected)
    kept = values > 0
    places = both.row[kept], both.col[kept]
    ppmi = sparse.csr_array((values[kept].astype(np.float32), places), both.shape)
    starts, columns, values = map(torch.from_numpy, (ppmi.indptr, ppmi.indices, ppmi.data))
    with warnings.catch_warnings():  # torch calls the format a beta
        warnings.simplefilter("ignore", UserWarning)
        return torch.sparse_csr_tensor(starts, columns, values, ppmi.shape, check_invariants=True)


def _singular_vectors(matrix: Tensor, width: int, seed: int) -> Tensor:
    """Left singular vectors by the square roots of their values, (V, C), in a random rotation.

    AdamW has a rate for each column: rotated, no column is larger than others.
    """
    found = min(width, len(matrix))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        left, values, _ = torch.svd_lowrank(
            matrix, min(found + OVERSAMPLING, len(matrix)), ITERATIONS
        )
        rotation, _ = torch.linalg.qr(torch.randn(width, width))
    vectors: Tensor = (left[:, :found] * values[:found].sqrt()) @ rotation[:found]
    return vectors
