"""The proof that no held-out text is in train: both splits are read and compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from femtogpt.corpus.dedup import SimilarityIndex, minhash
from femtogpt.corpus.match_index import Characters, HashTable, MatchIndex, merge_spans
from femtogpt.corpus.packed_texts import PackedTexts
from femtogpt.corpus.shingles import shingles

SHORTEST = 100  # characters: shorter shared spans are not searched for
BATCH_CHARACTERS = 2_000_000  # whose shingles are compared together
EXAMPLES = 10  # leaks that are listed
EXCERPT = 300  # characters of a shared span that are quoted

NamedText = tuple[str, str]  # a document's name and its text


@dataclass(frozen=True)
class Comparison:
    """What some train documents have in common with all held-out ones."""

    length: int  # of a shared span that is a leak
    held_out: dict[str, int]  # counts of what was compared
    train: dict[str, int]
    longest: dict[str, Any] | None
    leaks: list[dict[str, Any]]
    equal: list[dict[str, Any]]
    similar: dict[str, Any] | None
    names: list[str]  # of the held-out documents
    sizes: np.ndarray  # shingles in each
    in_train: np.ndarray  # of each of these shingles, whether it occurs in train


def prove(held_out: Iterable[NamedText], train: Iterable[NamedText], length: int) -> dict[str, Any]:
    """What the documents of two splits have in common, as a JSON value.

    ``proved``: no span of ``length`` characters and no whole document is in both. It also reports
    the longest shared span, if one has SHORTEST characters; the two most similar documents, if they
    are about as similar as ``dedup.MIN_SIMILARITY``; and the share of the held-out documents' word
    n-grams (see ``shingles``) that occur in train.
    """
    return combine([compare(HeldOutTexts(held_out, length), train)])


class HeldOutTexts:
    """The held-out documents, indexed for the comparison with many train documents."""

    def __init__(self, documents: Iterable[NamedText], length: int):
        """``length``: characters that no train document may share with one of these."""
        documents = list(documents)
        self.names, self.length = [name for name, _ in documents], length
        self.characters = sum(len(text) for _, text in documents)
        self.by_text = {text: name for name, text in documents}
        self.texts = PackedTexts(text for _, text in documents)
        self.index = MatchIndex(self.texts, min(SHORTEST, length))
        parts = [shingles([text for _, text in batch]) for batch in _batches(documents)]
        self.similarity_index = SimilarityIndex(np.concatenate([minhash(*part) for part in parts]))
        self.sizes = np.concatenate([sizes for _, sizes in parts])  # shingles in each document
        keys, self.rows = np.unique(
            np.concatenate([hashes for hashes, _ in parts]), return_inverse=True
        )
        self.shingles = HashTable(keys, np.arange(len(keys)))


def compare(held_out: HeldOutTexts, train: Iterable[NamedText]) -> Comparison:
    """Compare some of the train documents with all held-out ones."""
    spans = _SharedSpans(held_out)
    documents = _SharedDocuments(held_out)
    size = {"documents": 0, "characters": 0}
    for batch in _batches(train):
        documents.compare(batch)
        for name, text in batch:
            size["documents"] += 1
            size["characters"] += len(text)
            spans.search(name, text)
    return Comparison(
        held_out.length,
        {
            "documents": len(held_out.names),
            "characters": held_out.characters,
            "blocks": len(held_out.index),
        },
        {**size, "places": spans.positions},
        spans.longest(),
        spans.leaks,
        documents.equal,
        documents.similar,
        held_out.names,
        held_out.sizes,
        documents.in_train[held_out.rows],
    )


def combine(parts: Sequence[Comparison]) -> dict[str, Any]:
    """The proof (see ``prove``) from comparisons that together cover the train documents."""
    first = parts[0]
    longest = max(
        (part.longest for part in parts if part.longest),
        key=lambda span: span["characters"],
        default=None,
    )
    similar = max(
        (part.similar for part in parts if part.similar),
        key=lambda pair: pair["similarity"],
        default=None,
    )
    equal = [pair for part in parts for pair in part.equal]
    leaking = longest is not None and longest["characters"] >= first.length
    in_train = np.logical_or.reduce([part.in_train for part in parts])
    return {
        "proved": not leaking and not equal,
        "length": first.length,
        "held_out": first.held_out,
        "train": {key: sum(part.train[key] for part in parts) for key in first.train},
        "longest": longest,
        "leaks": [leak for part in parts for leak in part.leaks][:EXAMPLES],
        "equal": equal[:EXAMPLES],
        "most_similar": similar,
        "words": _shingles_in_train(first.names, first.sizes, in_train),
    }


def _shingles_in_train(
    names: Sequence[str], sizes: np.ndarray, in_train: np.ndarray
) -> dict[str, Any]:
    """The share of held-out shingles that occur in train, and the document with the largest."""
    ends = np.cumsum(sizes)
    counts = np.diff(np.append(0, np.cumsum(in_train))[ends], prepend=0)
    shares = counts / np.maximum(sizes, 1)
    most = int(shares.argmax()) if len(shares) else None
    return {
        "share": float(in_train.mean()) if len(in_train) else 0.0,
        "most": None if most is None else {"held_out": names[most], "share": float(shares[most])},
    }


class _SharedSpans:
    """Finds the spans that train texts share with held-out ones, character by character."""

    def __init__(self, held_out: HeldOutTexts):
        self.held_out = held_out
        self.positions = 0  # of train at which a block was looked up
        self.leaks: list[dict[str, Any]] = []
        self._longest: dict[str, Any] | None = None
        self._candidates: list[NamedText] = []  # merged spans that may contain a longer one

    def search(self, name: str, text: str) -> None:
        """Search a train text."""
        self.positions += max(len(text) - self.held_out.index.size + 1, 0)
        for start, end in self._matches(self.held_out.index, name, text):
            if end - start > self._length:
                self._candidates.append((name, text[start:end]))

    @property
    def _length(self) -> int:
        """Characters of the longest span so far."""
        return self._longest["characters"] if self._longest else 0

    def _matches(self, index: MatchIndex, name: str, text: str) -> list[tuple[int, int]]:
        """Record the matches of a text and return them merged."""
        matches = index.matches(Characters(text))
        for start, end, document, _ in matches:
            if end - start <= self._length and end - start < self.held_out.length:
                continue
            span = {
                "characters": end - start,
                "train": name,
                "held_out": self.held_out.names[document],
                "text": text[start : min(end, start + EXCERPT)],
            }
            if end - start > self._length:
                self._longest = span
            if end - start >= self.held_out.length and len(self.leaks) < EXAMPLES:
                self.leaks.append(span)
        return merge_spans(matches)

    def longest(self) -> dict[str, Any] | None:
        """The longest shared span.

        Overlapping matches can hide a longer one within their merged span, so the merged spans that
        are long enough are searched again.
        """
        candidates = self._candidates
        while candidates := [(name, text) for name, text in candidates if len(text) > self._length]:
            index = MatchIndex(self.held_out.texts, self._length + 1)
            if not any([self._matches(index, name, text) for name, text in candidates]):
                break
        return self._longest


class _SharedDocuments:
    """Compares train documents and their shingles with the held-out ones."""

    def __init__(self, held_out: HeldOutTexts):
        self.held_out = held_out
        self.equal: list[dict[str, Any]] = []
        self.similar: dict[str, Any] | None = None
        self.in_train = np.zeros(len(held_out.shingles.keys), bool)  # for each held-out shingle

    def compare(self, batch: list[NamedText]) -> None:
        for name, text in batch:
            equal = self.held_out.by_text.get(text)
            if equal is not None and len(self.equal) < EXAMPLES:
                self.equal.append({"train": name, "held_out": equal})
        hashes, sizes = shingles([text for _, text in batch])
        self.in_train[self.held_out.shingles.lookup([(0, hashes)])[1]] = True
        pair = self.held_out.similarity_index.most_similar(minhash(hashes, sizes))
        if pair and (self.similar is None or pair[2] > self.similar["similarity"]):
            row, document, similarity = pair
            self.similar = {
                "similarity": similarity,
                "train": batch[row][0],
                "held_out": self.held_out.names[document],
            }


def _batches(documents: Iterable[NamedText]) -> Iterator[list[NamedText]]:
    """Batches of about BATCH_CHARACTERS; the last one may be empty."""
    batch: list[NamedText] = []
    characters = 0
    for name, text in documents:
        batch.append((name, text))
        characters += len(text)
        if characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    yield batch
