"""Texts as hashed shingles: the word n-grams of SHINGLE words, whatever is between the words.

A word is a run of letters, in lower case, with ё as е. The hashes are computed here because those
of polars and Python differ between versions or runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import polars as pl

from femtogpt.corpus.letters import alphabet
from femtogpt.corpus.rolling_hash import characters, powers

SHINGLE = 5  # words
HASHED_LETTERS = 256  # letters at the start of a word that its hash depends on
_PIECE = 1 << 14  # characters whose words are hashed at once, so that they fit the CPU's cache
_FACTOR = np.uint64(0xD6E8FEB86659FD93)


def shingles(texts: Sequence[str] | pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """The hashes of all shingles, uint64, text after text, and the number of them in each text.

    A text of 1 to SHINGLE − 1 words has one shingle, a text without words has none. A shingle that
    occurs twice in a text is listed twice.
    """
    texts = list(texts)
    pieces = list(_words(characters("\n".join(texts))))
    starts = np.concatenate([np.empty(0, np.int64), *(starts for starts, _ in pieces)])
    ends = np.cumsum([len(text) + 1 for text in texts], dtype=np.int64)
    counts = np.diff(np.searchsorted(starts, ends), prepend=0)
    # Each text is followed by SHINGLE − 1 empty words, so that no shingle spans two texts.
    blank = SHINGLE - 1
    words = np.zeros(len(starts) + blank * (len(counts) + 1), np.uint64)
    words[_indices(counts, counts + blank)] = np.concatenate(
        [np.empty(0, np.uint64), *(hashes for _, hashes in pieces)]
    )
    hashes = words[:-blank].copy()
    for word in range(1, SHINGLE):
        hashes *= _FACTOR
        hashes += words[word : len(words) - blank + word]
    sizes = np.where(counts, np.maximum(counts - blank, 1), 0)
    return _mix(hashes[_indices(sizes, counts + blank)]), sizes


def _indices(sizes: np.ndarray, slots: np.ndarray) -> np.ndarray:
    """The indices of the first ``sizes`` items of consecutive slots that have ``slots`` items."""
    shift = np.cumsum(slots) - slots - (np.cumsum(sizes) - sizes)
    return np.arange(sizes.sum()) + np.repeat(shift, sizes)


@cache
def _alphabet() -> np.ndarray:
    """A random number for each letter of the basic plane, 0 for other characters."""
    return _mix(alphabet().astype(np.uint64))


def _words(codes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The positions at which words start in a text, and their hashes, in pieces."""
    up, down = powers(_PIECE + HASHED_LETTERS)
    before = False  # is the character before the piece a letter?
    for base in range(0, len(codes), _PIECE):
        piece = codes[base : base + _PIECE + HASHED_LETTERS].astype(np.int64)
        letters = np.take(_alphabet(), piece, mode="clip")  # the plane's last character is none
        inside = letters != 0
        edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
        if inside[0]:
            edges = edges[1:] if before else np.append(0, edges)
        if len(edges) % 2:
            edges = np.append(edges, len(piece))
        start, end = edges.reshape(-1, 2)[: np.searchsorted(edges[::2], _PIECE)].T
        sums = np.zeros(len(piece) + 1, np.uint64)
        np.cumsum(letters * up[: len(piece)], out=sums[1:])
        yield (
            base + start,
            (sums[np.minimum(end, start + HASHED_LETTERS)] - sums[start]) * down[start],
        )
        before = bool(inside[min(_PIECE, len(piece)) - 1])


def _mix(numbers: np.ndarray) -> np.ndarray:
    """A bijection of uint64 that scatters neighbouring numbers; 0 stays 0."""
    for _ in range(2):
        numbers = numbers ^ (numbers >> np.uint64(32))
        numbers *= _FACTOR
    return numbers ^ (numbers >> np.uint64(32))
