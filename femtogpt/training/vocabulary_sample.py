"""Which tokens are in the softmax of a training step (``train.softmax_tokens``)."""

from __future__ import annotations

import numpy as np
import torch

from femtogpt.model.sampled_loss import SampledTokens
from femtogpt.ngram.counted_text import counted_text
from femtogpt.tokens.shards import Tokens


class VocabularySample:
    """``size`` tokens: two thirds of them the most frequent, the others drawn for each step."""

    def __init__(self, tokens: Tokens, size: int, seed: int, device: torch.device):
        vocab = tokens.vocab_size
        counts = np.zeros(vocab, np.int64)
        for ids in counted_text(tokens):
            counts += np.bincount(ids, minlength=vocab)
        by_count = np.argsort(-counts, kind="stable")
        frequent = 2 * size // 3
        self.frequent, self.rest = by_count[:frequent], by_count[frequent:]
        self.drawn = size - frequent
        self.seed, self.device = seed, device
        log_weights = np.zeros(size, np.float32)
        log_weights[frequent:] = np.log(len(self.rest) / self.drawn)
        self.log_weights = torch.from_numpy(log_weights).to(device)

    def at(self, step: int) -> SampledTokens:
        """The tokens of a step: a function of seed and step, so that resuming is exact."""
        random = np.random.default_rng((self.seed, step))
        drawn = random.choice(self.rest, self.drawn, replace=False)
        ids = np.concatenate([self.frequent, drawn])
        columns = np.full(len(self.frequent) + len(self.rest), len(ids))
        columns[ids] = np.arange(len(ids))
        own, places = (torch.from_numpy(part).to(self.device) for part in (ids, columns))
        return SampledTokens(own, self.log_weights, places)
