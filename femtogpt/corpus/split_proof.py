"""The proof that nothing held out stands in train: reads both splits and says what they share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from femtogpt.corpus.dedup import Closest, sketched
from femtogpt.corpus.match_index import Characters, Index, Table, runs
from femtogpt.corpus.packed_documents import Packed
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
    return concluded([examine(HeldOut(held_out, length), train)])


class HeldOut:
    """The held-out documents, ready to be compared with many train ones."""

    def __init__(self, documents: Iterable[Named], length: int):
        """``length``: characters that no train document may share with one of these."""
        held = list(documents)
        self.names, self.length = [name for name, _ in held], length
        self.characters = sum(len(text) for _, text in held)
        self.by_text = {text: name for name, text in held}
        self.texts = Packed(text for _, text in held)
        self.index = Index(self.texts, min(SHORTEST, length))
        parts = [shingles([text for _, text in batch]) for batch in _batches(held)]
        self.closest = Closest(np.concatenate([sketched(*part) for part in parts]))
        self.sizes = np.concatenate([sizes for _, sizes in parts])  # runs of words in each
        keys, self.rows = np.unique(
            np.concatenate([hashes for hashes, _ in parts]), return_inverse=True
        )
        self.words = Table(keys, np.arange(len(keys)))


def examine(held: HeldOut, train: Iterable[Named]) -> Findings:
    """The part of the proof that concerns some of the train documents, but all held-out ones."""
    stretches = _Stretches(held)
    documents = _Documents(held)
    size = {"documents": 0, "characters": 0}
    for batch in _batches(train):
        documents.compare(batch)
        for name, text in batch:
            size["documents"] += 1
            size["characters"] += len(text)
            stretches.look(name, text)
    return Findings(
        held.length,
        {
            "documents": len(held.names),
            "characters": held.characters,
            "blocks": len(held.index),
        },
        {**size, "places": stretches.places},
        stretches.longest(),
        stretches.leaks,
        documents.equal,
        documents.similar,
        held.names,
        held.sizes,
        documents.read[held.rows],
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

    def __init__(self, held: HeldOut):
        self.held = held
        self.places = 0  # of train that were looked at
        self.leaks: list[dict] = []
        self._best: dict | None = None
        self._runs: list[Named] = []  # that may hold a longer one

    def look(self, name: str, text: str) -> None:
        """Look through a train text."""
        self.places += max(len(text) - self.held.index.size + 1, 0)
        for start, end in self._found(self.held.index, name, text):
            if end - start > self._most:
                self._runs.append((name, text[start:end]))

    @property
    def _most(self) -> int:
        return self._best["characters"] if self._best else 0

    def _found(self, index: Index, name: str, text: str) -> list[tuple[int, int]]:
        """Note the stretches found in a text, and give the runs that they form."""
        stretches = index.shared(Characters(text))
        for start, end, document, _ in stretches:
            if end - start <= self._most and end - start < self.held.length:
                continue
            found = {
                "characters": end - start,
                "train": name,
                "held_out": self.held.names[document],
                "text": text[start : min(end, start + EXCERPT)],
            }
            if end - start > self._most:
                self._best = found
            if end - start >= self.held.length and len(self.leaks) < EXAMPLES:
                self.leaks.append(found)
        return runs(stretches)

    def longest(self) -> dict | None:
        """The longest stretch shared.

        Stretches that overlap can hide one that is longer than they are, but no longer than
        their run: such runs are looked through for it.
        """
        left = self._runs
        while left := [(name, text) for name, text in left if len(text) > self._most]:
            finer = Index(self.held.texts, self._most + 1)
            found = [self._found(finer, name, text) for name, text in left]
            if not any(found):
                break
        return self._best


class _Documents:
    """Compares whole train documents and their words with the held-out ones."""

    def __init__(self, held: HeldOut):
        self.held = held
        self.equal: list[dict] = []
        self.similar: dict | None = None
        self.read = np.zeros(len(held.words.keys), bool)  # of each run of words: is it in train?

    def compare(self, batch: list[Named]) -> None:
        """Compare some train documents."""
        for name, text in batch:
            same = self.held.by_text.get(text)
            if same is not None and len(self.equal) < EXAMPLES:
                self.equal.append({"train": name, "held_out": same})
        hashes, sizes = shingles([text for _, text in batch])
        self.read[self.held.words.among([(0, hashes)])[1]] = True
        pair = self.held.closest.to(sketched(hashes, sizes))
        if pair and (self.similar is None or pair[2] > self.similar["similarity"]):
            row, other, similarity = pair
            self.similar = {
                "similarity": similarity,
                "train": batch[row][0],
                "held_out": self.held.names[other],
            }


def _batches(documents: Iterable[Named]) -> Iterator[list[Named]]:
    batch, characters = [], 0
    for name, text in documents:
        batch.append((name, text))
        characters += len(text)
        if characters >= BATCH:
            yield batch
            batch, characters = [], 0
    yield batch
