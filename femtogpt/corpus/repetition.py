"""How much a text repeats itself."""

from __future__ import annotations

import numpy as np

_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, so that the order of words matters


def repeated(parts: list[str]) -> float:
    """The share of characters in parts (lines, sentences) that have occurred before."""
    total = sum(map(len, parts))
    return 1 - sum(map(len, set(parts))) / total if total else 0.0


def repeated_ngrams(words: np.ndarray, n: int) -> float:
    """The share of runs of n words that have occurred before; words as numbers."""
    grams = _ngrams(words, n)
    return 1 - len(np.unique(grams)) / len(grams) if len(grams) else 0.0


def frequent_ngram(words: np.ndarray, n: int) -> tuple[int, int]:
    """How often the most frequent run of n words occurs, and where; the first of several."""
    grams = _ngrams(words, n)
    if not len(grams):
        return 0, 0
    values, numbers = np.unique(grams, return_counts=True)
    most = numbers.max()
    return int(most), int(np.isin(grams, values[numbers == most]).argmax())


def _ngrams(words: np.ndarray, n: int) -> np.ndarray:
    """A number for each run of n words, equal for equal runs: uint64, (words − n + 1,)."""
    size = max(0, len(words) - n + 1)
    grams = words[:size].copy()
    for offset in range(1, n):
        grams *= _FACTOR
        grams += words[offset : offset + size]
    return grams
