"""Bits per character: the one definition, used in training and after it.

The negative log-likelihood, in bits, of whole documents, over their characters. Every token of
every document counts once, its end included; the first is predicted from the document's start.
Windows of the model's context do not overlap.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from femtogpt.model.loss import IGNORED
from femtogpt.tokens.shards import Entry, Shard

PREDICTIONS = 16384  # computed at once


@dataclass
class Score:
    """What a model makes of some documents."""

    nats: float = 0.0
    tokens: int = 0  # document ends included
    characters: int = 0
    documents: int = 0
    entropy_bits: float | None = 0.0  # of the source itself; None where one is not known

    @property
    def bits_per_character(self) -> float:
        return self.nats / math.log(2) / self.characters

    @property
    def loss(self) -> float:
        """Nats per token."""
        return self.nats / self.tokens

    @property
    def entropy(self) -> float | None:
        """The source's own bits per character: no honest model comes under it."""
        return None if self.entropy_bits is None else self.entropy_bits / self.characters

    def __add__(self, other: Score) -> Score:
        known = self.entropy_bits is not None and other.entropy_bits is not None
        return Score(
            self.nats + other.nats,
            self.tokens + other.tokens,
            self.characters + other.characters,
            self.documents + other.documents,
            self.entropy_bits + other.entropy_bits if known else None,
        )

    def as_dict(self) -> dict:
        return {
            "bits_per_character": self.bits_per_character,
            "loss": self.loss,
            "entropy": self.entropy,
            "documents": self.documents,
            "characters": self.characters,
            "tokens": self.tokens,
        }


@dataclass(frozen=True)
class Window:
    """Ids that a model sees at once, and the ids that it is to predict."""

    document: int
    ids: np.ndarray  # (n + 1,): inputs are all but the last, targets all but the first


def windows(shard: Shard, entries: Sequence[Entry], context: int) -> Iterator[Window]:
    """The documents of a shard cut into windows of at most ``context`` predictions."""
    for number, entry in enumerate(entries):
        end = entry.start + entry.tokens + 1  # of the boundary that ends the document
        for start in range(entry.start, end, context):
            yield Window(number, shard.ids[start : min(start + context, end) + 1])


def score_shards(
    model: torch.nn.Module,
    shards: Iterable[Shard],
    context: int,
    predictions: int = PREDICTIONS,
    update: Callable[[int], None] = lambda tokens: None,
) -> list[tuple[Entry, Score]]:
    """The score of each document.

    ``predictions`` are computed at once, at most. ``update`` is told the tokens scored so far.
    """
    scores = []
    done = 0
    for shard in shards:
        entries = shard.documents()
        nats = np.zeros(len(entries))
        for batch in _alike(list(windows(shard, entries, context)), predictions):
            for window, value in zip(batch, window_nats(model, batch), strict=True):
                nats[window.document] += value
                done += len(window.ids) - 1
            update(done)
        scores += [
            (entry, Score(float(total), entry.tokens + 1, entry.characters, 1, entry.entropy_bits))
            for entry, total in zip(entries, nats, strict=True)
        ]
    return scores


def spread(shards: Mapping[str, Sequence[Shard]], context: int, tokens: int) -> list[Window]:
    """About so many tokens of windows, evenly spread over all documents: for an estimate."""
    every = [
        window
        for parts in shards.values()
        for shard in parts
        for window in windows(shard, shard.documents(), context)
    ]
    total = sum(len(window.ids) - 1 for window in every)
    step = max(1, round(total / tokens))
    return every[step // 2 :: step] or every


def mean_nats(model: torch.nn.Module, some: list[Window], shape: tuple[int, int]) -> float:
    """Nats per token over some windows, computed in batches of one ``shape`` (rows, context).

    Of one shape, as a compiled model would be compiled anew for every other.
    """
    ordered = sorted(some, key=lambda window: -len(window.ids))
    batches = (ordered[start : start + shape[0]] for start in range(0, len(ordered), shape[0]))
    total = sum(float(window_nats(model, batch, shape).sum()) for batch in batches)
    return total / sum(len(window.ids) - 1 for window in some)


def _alike(some: list[Window], predictions: int) -> Iterator[list[Window]]:
    """Batches of windows of like length, so that little is padded."""
    ordered = sorted(some, key=lambda window: -len(window.ids))
    while ordered:
        count = max(1, predictions // (len(ordered[0].ids) - 1))
        yield ordered[:count]
        ordered = ordered[count:]


@torch.no_grad()  # FSDP gathers weights into what inference mode would spoil
def window_nats(
    model: torch.nn.Module, batch: Sequence[Window], shape: tuple[int, int] | None = None
) -> np.ndarray:
    """The summed nats of each window's targets, float64; padded to ``shape`` where one is given."""
    rows, length = shape or (len(batch), max(len(window.ids) for window in batch) - 1)
    inputs = np.zeros((rows, length), dtype=np.int64)
    targets = np.full((rows, length), IGNORED, dtype=np.int64)
    for row, window in enumerate(batch):
        inputs[row, : len(window.ids) - 1] = window.ids[:-1]
        targets[row, : len(window.ids) - 1] = window.ids[1:]
    device = next(model.parameters()).device
    nats = model.nats(torch.from_numpy(inputs).to(device), torch.from_numpy(targets).to(device))
    return nats.double().sum(dim=1).cpu().numpy()[: len(batch)]
