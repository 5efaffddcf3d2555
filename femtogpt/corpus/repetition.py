"""Measures of how much a text repeats itself."""

from __future__ import annotations

import numpy as np

_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, so that the order of words matters


def repeated(parts: list[str]) -> float:
    """The share of characters in lines or sentences that have occurred before."""
    total = sum(map(len, parts))
    return 1 - sum(map(len, set(parts))) / total if total else 0.0


def repeated_ngrams(words: np.ndarray, n: int) -> float:
    """The share of word n-grams that have occurred before; ``words`` are numbers."""
    grams = _ngrams(words, n)
    return 1 - len(np.unique(grams)) / len(grams) if len(grams) else 0.0


def frequent_ngram(words: np.ndarray, n: int) -> tuple[int, int]:
    """How often the most frequent word n-gram occurs, and the index of its first word.

    Of several the first one counts; (0, 0) if there is none.
    """
    grams = _ngrams(words, n)
    if not len(grams):
        return 0, 0
    values, numbers = np.unique(grams, return_counts=True)
    most = numbers.max()
    return int(most), int(np.isin(grams, values[numbers == most]).argmax())


def _ngrams(words: np.ndarray, n: int) -> np.ndarray:
    """A number for each word n-gram, equal for equal ones: uint64, (words − n + 1,)."""
    size = max(0, len(words) - n + 1)
    grams = words[:size].copy()
    for offset in range(1, n):
        grams *= _FACTOR
        grams += words[offset : offset + size]
    return grams
