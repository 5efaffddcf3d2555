"""Rolling hashes of all substrings of one length (Rabin–Karp).

The hash of characters c₀, c₁, … is Σ cₖ·BASEᵏ modulo 2⁶⁴. Different substrings hardly ever have
equal hashes; the caller must compare the texts to be sure.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

BASE = 0x9E3779B97F4A7C15  # odd: it has an inverse
_CHUNK = 1 << 14  # positions at once, so that all arrays fit the CPU's cache


def characters(text: str) -> np.ndarray:
    """The code points of a text: (characters,) uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def rolling(codes: np.ndarray, size: int) -> Iterator[tuple[int, np.ndarray]]:
    """The hashes, uint64, of ``codes[i : i + size]`` for all i, in pieces: (first i, hashes)."""
    up, down = powers(_CHUNK + size)
    for first in range(0, len(codes) - size + 1, _CHUNK):
        piece = codes[first : first + _CHUNK + size - 1]
        sums = np.zeros(len(piece) + 1, np.uint64)
        np.cumsum(piece * up[: len(piece)], out=sums[1:])
        hashes = sums[size:] - sums[:-size]
        hashes *= down[: len(hashes)]
        yield first, hashes


def hashes(codes: np.ndarray, size: int) -> np.ndarray:
    """The hashes of ``codes[i : i + size]`` for all i: uint64."""
    return np.concatenate([np.empty(0, np.uint64), *(part for _, part in rolling(codes, size))])


def aligned(codes: np.ndarray, size: int) -> np.ndarray:
    """The hashes of ``codes[i : i + size]`` for i = 0, size, 2·size, …: uint64."""
    blocks = codes[: len(codes) // size * size].reshape(-1, size)
    return blocks.astype(np.uint64) @ powers(size)[0]


@lru_cache(16)
def powers(count: int) -> tuple[np.ndarray, np.ndarray]:
    """The powers 0, 1, 2, … of BASE, and of its inverse: (count,) uint64 each."""
    powers = np.empty((2, count), np.uint64)
    powers[0], powers[1] = BASE, pow(BASE, -1, 2**64)
    powers[:, 0] = 1
    forward, inverse = np.multiply.accumulate(powers, axis=1)
    return forward, inverse
