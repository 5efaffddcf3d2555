"""Texts as sets of hashed shingles: each run of SHINGLE words, whatever stands between them.

A word is a run of letters, in lower case, ё as е. The hashes are computed here and not by polars
or Python, whose hashes change from version to version or from run to run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import polars as pl

from femtogpt.corpus.letters import alphabet
from femtogpt.corpus.rolling_hash import characters, powers

SHINGLE = 5  # words
LONGEST = 256  # letters at the start of a word that tell it from others
_PIECE = 1 << 14  # characters whose words are hashed at once: they stay in the processor's cache
_ODD = np.uint64(0xD6E8FEB86659FD93)


def shingles(texts: Sequence[str] | pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """The hashes of all shingles, uint64, text after text, and how many each text has.

    A text of 1 to SHINGLE − 1 words is one shingle, one without words has none. What occurs
    twice in a text is there twice.
    """
    texts = list(texts)
    pieces = list(_words(characters("\n".join(texts))))
    starts = np.concatenate([np.empty(0, np.int64), *(starts for starts, _ in pieces)])
    ends = np.cumsum([len(text) + 1 for text in texts], dtype=np.int64)
    counts = np.diff(np.searchsorted(starts, ends), prepend=0)
    # Each text is followed by SHINGLE − 1 empty words, so that no shingle spans two texts.
    blank = SHINGLE - 1
    words = np.zeros(len(starts) + blank * (len(counts) + 1), np.uint64)
    words[_places(counts, counts + blank)] = np.concatenate(
        [np.empty(0, np.uint64), *(hashes for _, hashes in pieces)]
    )
    hashes = words[:-blank].copy()
    for word in range(1, SHINGLE):
        hashes *= _ODD
        hashes += words[word : len(words) - blank + word]
    sizes = np.where(counts, np.maximum(counts - blank, 1), 0)
    return _mixed(hashes[_places(sizes, counts + blank)]), sizes


def _places(sizes: np.ndarray, rooms: np.ndarray) -> np.ndarray:
    """The indices of the first ``sizes`` places in rooms that lie one after another."""
    shift = np.cumsum(rooms) - rooms - (np.cumsum(sizes) - sizes)
    return np.arange(sizes.sum()) + np.repeat(shift, sizes)


@cache
def _alphabet() -> np.ndarray:
    """A random number for each letter of the basic plane, 0 for what is none."""
    return _mixed(alphabet().astype(np.uint64))


def _words(codes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Where words start in a text, and their hashes, in pieces."""
    up, down = powers(_PIECE + LONGEST)
    before = False  # is the character before the piece a letter?
    for base in range(0, len(codes), _PIECE):
        piece = codes[base : base + _PIECE + LONGEST].astype(np.int64)
        letters = np.take(_alphabet(), piece, mode="clip")  # the last of the plane is no letter
        inside = letters != 0
        edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
        if inside[0]:
            edges = edges[1:] if before else np.append(0, edges)
        if len(edges) % 2:
            edges = np.append(edges, len(piece))
        start, end = edges.reshape(-1, 2)[: np.searchsorted(edges[::2], _PIECE)].T
        sums = np.zeros(len(piece) + 1, np.uint64)
        np.cumsum(letters * up[: len(piece)], out=sums[1:])
        yield base + start, (sums[np.minimum(end, start + LONGEST)] - sums[start]) * down[start]
        before = bool(inside[min(_PIECE, len(piece)) - 1])


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """A bijection of uint64 that scatters near numbers; 0 stays 0."""
    for _ in range(2):
        numbers = numbers ^ (numbers >> np.uint64(32))
        numbers *= _ODD
    return numbers ^ (numbers >> np.uint64(32))
