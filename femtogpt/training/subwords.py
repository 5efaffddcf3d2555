"""Steps of the embedding that tokens share by their spelling: by the n-grams of their characters.

Most tokens of a small text are rare, but what one of them learns says something of those that are
spelled alike: «рукой» of «рукою». So the rows of the embedding move as if each were the sum of a
vector of its own and those of its n-grams, as fastText's are (Bojanowski et al. 2017,
doi 10.1162/tacl_a_00051). Only the steps are shared: the model and its files are as without.

Shapes: V vocabulary, C width, G n-grams that two or more tokens have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from femtogpt.training.distributed import distribute_like, full_tensor

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LONGEST = 4  # characters of an n-gram


class SubwordSteps(torch.optim.AdamW):
    """AdamW of the n-grams' vectors, whose steps are added to the rows of ``embedding`` (V, C).

    ``pieces`` are the tokens' texts; those without text share nothing. It steps along the
    embedding's gradient, so while the embedding has one.
    """

    def __init__(
        self, embedding: Tensor, pieces: Sequence[str], lr: float, betas: tuple[float, float]
    ):
        ngrams, device = shared_ngrams(pieces), embedding.device
        self.embedding = embedding
        self.of_tokens = _Sums.of_rows(ngrams, device)
        self.of_ngrams = _Sums.of_rows(ngrams.T.tocsr(), device)
        # What the steps add up to is in the embedding alone.
        steps = torch.zeros(ngrams.shape[1], embedding.shape[1], device=device)
        self.steps = torch.nn.Parameter(steps)
        super().__init__([self.steps], lr=lr, betas=betas, weight_decay=0.0, fused=True)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Step along the embedding's gradient, if it has one. Takes no closure."""
        if self.embedding.grad is None:
            return
        self.steps.grad = self.of_ngrams.sums(full_tensor(self.embedding.grad))
        super().step()
        self.embedding.add_(distribute_like(self.of_tokens.sums(self.steps), self.embedding))
        self.steps.zero_()
        self.steps.grad = None


def shared_ngrams(pieces: Sequence[str]) -> csr_array:
    """Which n-grams, of 1 to LONGEST characters, each token has: a sparse matrix (V, G).

    Only n-grams that another token has too; a row's numbers are equal, and their squares sum to 1.
    """
    from scipy.sparse import csr_array  # here: most commands do not need it

    of_pieces = [_ngrams(piece) for piece in pieces]
    tokens = Counter(ngram for ngrams in of_pieces for ngram in ngrams)
    shared = [ngram for ngram, count in tokens.items() if count > 1]
    columns = {ngram: column for column, ngram in enumerate(shared)}
    rows = [[columns[ngram] for ngram in ngrams if ngram in columns] for ngrams in of_pieces]
    weights = [len(row) ** -0.5 for row in rows for _ in row]
    starts = list(accumulate(map(len, rows), initial=0))
    parts = (
        np.array(weights, np.float32),
        np.array([*chain(*rows)], np.int32),
        np.array(starts, np.int32),
    )
    return csr_array(parts, shape=(len(pieces), len(shared)))


def _ngrams(piece: str) -> list[str]:
    """The different n-grams of a piece."""
    parts = (
        piece[start : start + length]
        for length in range(1, LONGEST + 1)
        for start in range(len(piece) - length + 1)
    )
    return list(dict.fromkeys(parts))


class _Sums(NamedTuple):
    """Weighted sums of rows: the rows of all sums in a row, where each sum's begin, and weights."""

    rows: Tensor
    starts: Tensor  # and the end of the last
    weights: Tensor

    @classmethod
    def of_rows(cls, matrix: csr_array, device: torch.device) -> _Sums:
        parts = (matrix.indices, matrix.indptr, matrix.data)
        return cls(*(torch.from_numpy(part).to(device) for part in parts))

    def sums(self, values: Tensor) -> Tensor:
        """The sums of rows of ``values``: ten times as fast as torch's sparse products."""
        return F.embedding_bag(
            self.rows,
            values,
            self.starts,
            mode="sum",
            per_sample_weights=self.weights,
            include_last_offset=True,
        )
