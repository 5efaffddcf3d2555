"""Bits per character: the only definition, used in training and in the evaluation.

The negative log-likelihood of complete documents in bits, divided by their characters. Every token
of a document counts once, the end-of-document token included; the first one is predicted from the
eos token before the document. Sequences of the model's context do not overlap.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from femtogpt.model.loss import IGNORED
from femtogpt.tokens.shards import Entry

PREDICTIONS = 16384  # tokens predicted at once
# A batch ends before a sequence shorter than this share of its first one, unless it has fewer than
# one part in SMALLEST_BATCH of all that may be predicted at once.
SIMILAR, SMALLEST_BATCH = 7 / 8, 16


class Scorer(Protocol):
    """A model that can be scored, such as ``femtogpt.model.gpt.GPT``."""

    def nats(self, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss in nats of each target, (B, T); 0 for those of IGNORED."""

    def parameters(self) -> Iterator[torch.nn.Parameter]: ...


class Encoded(Protocol):
    """Documents as ids, such as a ``Shard``: E doc E doc … E, with E the eos id."""

    @property
    def ids(self) -> NDArray[np.integer]: ...

    def documents(self) -> list[Entry]: ...


@dataclass
class Score:
    """A model's likelihood of some documents."""

    nats: float = 0.0
    tokens: int = 0  # ends of documents included
    characters: int = 0
    documents: int = 0
    entropy_bits: float | None = 0.0  # the texts' true entropy; None if one is not known

    @property
    def bits_per_character(self) -> float:
        return self.nats / math.log(2) / self.characters

    @property
    def loss(self) -> float:
        """Nats per token."""
        return self.nats / self.tokens

    @property
    def entropy(self) -> float | None:
        """The texts' true entropy in bits per character, a lower bound; None if unknown."""
        return None if self.entropy_bits is None else self.entropy_bits / self.characters

    def __add__(self, other: Score) -> Score:
        entropy_bits = None
        if self.entropy_bits is not None and other.entropy_bits is not None:
            entropy_bits = self.entropy_bits + other.entropy_bits
        return Score(
            self.nats + other.nats,
            self.tokens + other.tokens,
            self.characters + other.characters,
            self.documents + other.documents,
            entropy_bits,
        )

    def as_dict(self) -> dict[str, float | None]:
        return {
            "bits_per_character": self.bits_per_character,
            "loss": self.loss,
            "entropy": self.entropy,
            "documents": self.documents,
            "characters": self.characters,
            "tokens": self.tokens,
        }


@dataclass(frozen=True)
class EvalSequence:
    """A part of a document that a model reads at once, to predict each next token."""

    document: int  # its number in the shard
    ids: NDArray[np.integer]  # (n + 1,): inputs are all but the last, targets all but the first


def eval_sequences(
    shard: Encoded, entries: Sequence[Entry], context: int
) -> Iterator[EvalSequence]:
    """Cut the documents of a shard into sequences of at most ``context`` predictions."""
    for number, entry in enumerate(entries):
        end = entry.start + entry.tokens + 1  # of the eos token that ends the document
        for start in range(entry.start, end, context):
            yield EvalSequence(number, shard.ids[start : min(start + context, end) + 1])


def score_shards(
    model: Scorer,
    shards: Iterable[Encoded],
    context: int,
    predictions: int = PREDICTIONS,
    update: Callable[[int], None] = lambda tokens: None,
) -> list[tuple[Entry, Score]]:
    """The score of each document of ``shards``.

    At most ``predictions`` tokens are computed at once. ``update`` is called with the number of
    tokens scored so far.
    """
    scores = []
    done = 0
    for shard in shards:
        entries = shard.documents()
        nats = np.zeros(len(entries))
        for batch in _batches(list(eval_sequences(shard, entries, context)), predictions):
            for sequence, value in zip(batch, sequence_nats(model, batch), strict=True):
                nats[sequence.document] += value
                done += len(sequence.ids) - 1
            update(done)
        scores += [
            (entry, Score(float(total), entry.tokens + 1, entry.characters, 1, entry.entropy_bits))
            for entry, total in zip(entries, nats, strict=True)
        ]
    return scores


def spread_evenly(
    shards: Mapping[str, Sequence[Encoded]], context: int, tokens: int
) -> list[EvalSequence]:
    """Sequences of about ``tokens`` tokens, spread evenly over all documents: for an estimate."""
    sequences = [
        sequence
        for parts in shards.values()
        for shard in parts
        for sequence in eval_sequences(shard, shard.documents(), context)
    ]
    total = sum(len(sequence.ids) - 1 for sequence in sequences)
    step = max(1, round(total / tokens))
    return sequences[step // 2 :: step] or sequences


def mean_nats(model: Scorer, sequences: list[EvalSequence], shape: tuple[int, int]) -> float:
    """The loss in nats per token over sequences, in batches of one ``shape`` (rows, context).

    A compiled model would be compiled again for any other shape.
    """
    ordered = sorted(sequences, key=lambda sequence: -len(sequence.ids))
    batches = (ordered[start : start + shape[0]] for start in range(0, len(ordered), shape[0]))
    total = sum(float(sequence_nats(model, batch, shape).sum()) for batch in batches)
    return total / sum(len(sequence.ids) - 1 for sequence in sequences)


def _batches(sequences: list[EvalSequence], predictions: int) -> Iterator[list[EvalSequence]]:
    """Batches of sequences of similar length, so that there is little padding."""
    ordered = sorted(sequences, key=lambda sequence: -len(sequence.ids))
    lengths = np.array([len(sequence.ids) - 1 for sequence in ordered])
    start = 0
    while start < len(ordered):
        longest = lengths[start]
        most = start + max(1, predictions // longest)
        least = start + max(1, predictions // SMALLEST_BATCH // longest)
        similar = int(np.searchsorted(-lengths, -SIMILAR * longest, "right"))
        end = min(most, max(least, similar))
        yield ordered[start:end]
        start = end


@torch.no_grad()  # not inference mode: FSDP could not use the weights that it gathers
def sequence_nats(
    model: Scorer, batch: Sequence[EvalSequence], shape: tuple[int, int] | None = None
) -> NDArray[np.float64]:
    """The summed nats of each sequence's targets, (N,); the batch is padded to ``shape``."""
    rows, length = shape or (len(batch), max(len(sequence.ids) for sequence in batch) - 1)
    inputs = np.zeros((rows, length), dtype=np.int64)
    targets = np.full((rows, length), IGNORED, dtype=np.int64)
    for row, sequence in enumerate(batch):
        inputs[row, : len(sequence.ids) - 1] = sequence.ids[:-1]
        targets[row, : len(sequence.ids) - 1] = sequence.ids[1:]
    device = next(model.parameters()).device
    nats = model.nats(torch.from_numpy(inputs).to(device), torch.from_numpy(targets).to(device))
    totals: NDArray[np.float64] = nats.double().sum(dim=1).cpu().numpy()
    return totals[: len(batch)]
