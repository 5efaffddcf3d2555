"""An n-gram model as the teacher of the first steps.

The targets are (1 − share) × the true token + share × the n-gram's distribution over all tokens,
and the share falls linearly to zero (``train.ngram_tokens``). A single token says which word came;
the n-gram says which could have come, as far as counting tells, and training begins with what
counting knows. It says what it would say without having counted the token at hand: of a text that
it has counted it is too sure. Kneser–Ney as a regulariser: Malagutti et al. 2024, arXiv 2403.17240;
n-grams as teachers: Frydenlund et al. 2021, arXiv 2110.06961.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from femtogpt.model.loss import SoftTargets
from femtogpt.ngram.counted_text import counted_text
from femtogpt.ngram.distributions import Distributions, Sparse
from femtogpt.ngram.kneser_ney import NGram
from femtogpt.tokens.shards import Tokens

ORDER = 3  # longer n-grams teach no more (docs/experiments.md), and take longer to find
log = logging.getLogger(__name__)


class NGramTeacher:
    """The soft targets of any batch; counted from the train split when it is made."""

    def __init__(self, tokens: Tokens, device: torch.device):
        texts = counted_text(tokens)
        log.info("counting the %d-grams that teach the first steps", ORDER)
        ngram = NGram.train(texts, tokens.eos, tokens.vocab_size, ORDER)
        # Where not all is counted, the token at hand may not be among it.
        self.leave_out = sum(map(len, texts)) == tokens.total("train") + len(texts)
        self.distributions = Distributions(ngram)
        self.table = torch.from_numpy(self.distributions.table).to(device)
        self._rows: Tensor | None = None  # used again: new memory costs more than what goes in

    def targets(self, inputs: Tensor, targets: Tensor, share: float) -> SoftTargets:
        """The soft targets after each of ``inputs`` (B, T); ``targets`` follow them."""
        sparse = self.distributions.after(
            inputs.cpu().numpy(), targets.cpu().numpy() if self.leave_out else None
        )
        return SoftTargets(_Rows(self, sparse), torch.tensor(share, device=inputs.device))

    def dense(self, sparse: Sparse, start: int, stop: int) -> Tensor:
        """The distributions of some positions, (stop − start, V), valid until the next call."""
        if self._rows is None or len(self._rows) < stop - start:
            self._rows = self.table.new_empty(stop - start, self.table.shape[1])
        bounds = sparse.bounds[start : stop + 1]
        numbers = slice(bounds[0], bounds[-1])
        rows, weights, values = (
            torch.from_numpy(array).to(self.table.device)
            for array in (
                sparse.rows[start:stop],
                sparse.weights[start:stop],
                sparse.values[numbers],
            )
        )
        out = self._rows[: stop - start]
        torch.index_select(self.table, 0, rows, out=out).mul_(weights[:, None])
        index = np.repeat(np.arange(stop - start) * out.shape[1], np.diff(bounds))
        index += sparse.ids[numbers]
        out.view(-1).index_add_(0, torch.from_numpy(index).to(out.device), values)
        return out


@dataclass(frozen=True)
class _Rows:
    """The distributions of a micro-batch."""

    teacher: NGramTeacher
    sparse: Sparse

    def rows(self, start: int, stop: int) -> Tensor:
        return self.teacher.dense(self.sparse, start, stop)
