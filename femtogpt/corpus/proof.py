"""The proof that nothing held out stands in train: reads both splits and says what they share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from femtogpt.corpus.dedup import Closest, sketched
from femtogpt.corpus.index import Characters, Index, Table, runs
from femtogpt.corpus.packed import Packed
from femtogpt.corpus.shingles import shingles

SHORTEST = 100  # characters: the longest shared stretch is told from this length on
BATCH = 2_000_000  # characters whose shingles are looked at together
EXAMPLES = 10  # leaks that are named
EXCERPT = 300  # characters of a shared stretch that are shown

Named = tuple[str, str]  # a document's name and its text


@dataclass(frozen=True)
class Findings:
    """What some train documents have in common with all held-out ones."""

    length: int
    held_out: dict[str, int]  # how much there is
    train: dict[str, int]
    longest: dict | None
    leaks: list[dict]
    equal: list[dict]
    similar: dict | None
    names: list[str]  # of the held-out documents
    sizes: np.ndarray  # runs of words in each
    read: np.ndarray  # for each of these runs: does it stand in train?


def prove(held_out: Iterable[Named], train: Iterable[Named], length: int) -> dict[str, Any]:
    """What the documents of two splits have in common: a JSON value.

    ``proved``: no stretch of ``length`` characters and no whole document stands in both. Beside
    it are told the longest stretch in both, if any has SHORTEST characters; the two most similar
    documents, if any are about as similar as ``dedup.LOWEST``; and which share of the held-out
    documents' runs of ``shingles.SHINGLE`` words stands in train, whatever is between the words.
    """
    return concluded([examine(held_out, train, length)])


def examine(held_out: Iterable[Named], train: Iterable[Named], length: int) -> Findings:
    """The part of the proof that concerns some of the train documents, but all held-out ones."""
    held = list(held_out)
    stretches = _Stretches(held, length)
    documents = _Documents(held)
    size = {"documents": 0, "characters": 0}
    for batch in _batches(train):
        documents.compare(batch)
        for name, text in batch:
            size["documents"] += 1
            size["characters"] += len(text)
            stretches.look(name, text)
    return Findings(
        length,
        {
            "documents": len(held),
            "characters": sum(len(text) for _, text in held),
            "blocks": len(stretches.index),
        },
        {**size, "places": stretches.places},
        stretches.longest(),
        stretches.leaks,
        documents.equal,
        documents.similar,
        documents.names,
        *documents.read(),
    )


def concluded(parts: Sequence[Findings]) -> dict[str, Any]:
    """The proof, of findings that together are on all of train; see ``prove``."""
    one = parts[0]
    longest = max(
        (part.longest for part in parts if part.longest),
        key=lambda found: found["characters"],
        default=None,
    )
    similar = max(
        (part.similar for part in parts if part.similar),
        key=lambda found: found["similarity"],
        default=None,
    )
    equal = [pair for part in parts for pair in part.equal]
    leaking = bool(longest) and longest["characters"] >= one.length
    return {
        "proved": not leaking and not equal,
        "length": one.length,
        "held_out": one.held_out,
        "train": {key: sum(part.train[key] for part in parts) for key in one.train},
        "longest": longest,
        "leaks": [leak for part in parts for leak in part.leaks][:EXAMPLES],
        "equal": equal[:EXAMPLES],
        "most_similar": similar,
        "words": _words(one.names, one.sizes, np.logical_or.reduce([part.read for part in parts])),
    }


def _words(names: Sequence[str], sizes: np.ndarray, read: np.ndarray) -> dict:
    """The share of the held-out runs of words that stand in train, and where it is largest."""
    ends = np.cumsum(sizes)
    counts = np.diff(np.append(0, np.cumsum(read))[ends], prepend=0)
    shares = counts / np.maximum(sizes, 1)
    most = int(shares.argmax()) if len(shares) else None
    return {
        "share": float(read.mean()) if len(read) else 0.0,
        "most": None if most is None else {"held_out": names[most], "share": float(shares[most])},
    }


class _Stretches:
    """Looks for what train texts share with the held-out ones, character for character."""

    def __init__(self, held: list[Named], length: int):
        self.names, self.length = [name for name, _ in held], length
        self.texts = Packed(text for _, text in held)
        self.index = Index(self.texts, min(SHORTEST, length))
        self.places = 0  # of train that were looked at
        self.leaks: list[dict] = []
        self._best: dict | None = None
        self._runs: list[Named] = []  # that may hold a longer one

    def look(self, name: str, text: str) -> None:
        """Look through a train text."""
        self.places += max(len(text) - self.index.size + 1, 0)
        for start, end in self._found(self.index, name, text):
            if end - start > self._most:
                self._runs.append((name, text[start:end]))

    @property
    def _most(self) -> int:
        return self._best["characters"] if self._best else 0

    def _found(self, index: Index, name: str, text: str) -> list[tuple[int, int]]:
        """Note the stretches found in a text, and give the runs that they form."""
        stretches = index.shared(Characters(text))
        for start, end, document, _ in stretches:
            if end - start <= self._most and end - start < self.length:
                continue
            found = {
                "characters": end - start,
                "train": name,
                "held_out": self.names[document],
                "text": text[start : min(end, start + EXCERPT)],
            }
            if end - start > self._most:
                self._best = found
            if end - start >= self.length and len(self.leaks) < EXAMPLES:
                self.leaks.append(found)
        return runs(stretches)

    def longest(self) -> dict | None:
        """The longest stretch shared.

        Stretches that overlap can hide one that is longer than they are, but no longer than
        their run: such runs are looked through for it.
        """
        left = self._runs
        while left := [(name, text) for name, text in left if len(text) > self._most]:
            finer = Index(self.texts, self._most + 1)
            found = [self._found(finer, name, text) for name, text in left]
            if not any(found):
                break
        return self._best


class _Documents:
    """Compares whole train documents and their words with the held-out ones."""

    def __init__(self, held: list[Named]):
        self.names = [name for name, _ in held]
        self.equal: list[dict] = []
        self.similar: dict | None = None
        self._texts = {text: name for name, text in held}
        parts = [shingles([text for _, text in batch]) for batch in _batches(held)]
        self._closest = Closest(np.concatenate([sketched(*part) for part in parts]))
        self._sizes = np.concatenate([sizes for _, sizes in parts])
        keys, self._rows = np.unique(
            np.concatenate([hashes for hashes, _ in parts]), return_inverse=True
        )
        self._known = Table(keys, np.arange(len(keys)))
        self._read = np.zeros(len(keys), bool)  # does it stand in train?

    def compare(self, batch: list[Named]) -> None:
        """Compare some train documents."""
        for name, text in batch:
            same = self._texts.get(text)
            if same is not None and len(self.equal) < EXAMPLES:
                self.equal.append({"train": name, "held_out": same})
        hashes, sizes = shingles([text for _, text in batch])
        self._read[self._known.among([(0, hashes)])[1]] = True
        pair = self._closest.to(sketched(hashes, sizes))
        if pair and (self.similar is None or pair[2] > self.similar["similarity"]):
            row, held, similarity = pair
            self.similar = {
                "similarity": similarity,
                "train": batch[row][0],
                "held_out": self.names[held],
            }

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """How many runs of words each held-out document has; and of each: is it in train?"""
        return self._sizes, self._read[self._rows]


def _batches(documents: Iterable[Named]) -> Iterator[list[Named]]:
    batch, characters = [], 0
    for name, text in documents:
        batch.append((name, text))
        characters += len(text)
        if characters >= BATCH:
            yield batch
            batch, characters = [], 0
    yield batch
