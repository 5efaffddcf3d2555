"""How words are split into pieces.

A word is a run of letters with their combining accents: whatever is between spaces, digits, hyphens
and punctuation. «по-русски» is two words.
"""

from __future__ import annotations

import unicodedata

import numpy as np

from femtogpt.tokens.tokenizer import Tokenizer


class WordSplitter:
    """Finds the words in a tokenizer's ids."""

    def __init__(self, tokenizer: Tokenizer):
        texts = tokenizer.pieces
        self._has_letter = np.array([any(map(_is_letter, text)) for text in texts])
        self._starts = np.array([_is_letter(text[:1]) for text in texts])
        self._ends = np.array([_is_letter(text[-1:]) for text in texts])
        self._bytes = tokenizer.bytes

    def split(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The index of each word's first token and its number of tokens, both of shape (words,).

        ``ids``, of shape (tokens,), must not begin or end within a character spelled in bytes.
        """
        has_letter, starts, ends = self._has_letter[ids], self._starts[ids], self._ends[ids]
        positions, letters = self._byte_letters(ids)
        for flags in (has_letter, starts, ends):
            flags[positions] = letters
        begins = has_letter.copy()
        begins[1:] &= ~(starts[1:] & ends[:-1])
        first = np.flatnonzero(begins)
        pieces = np.diff(np.flatnonzero(begins[has_letter]), append=np.count_nonzero(has_letter))
        return first, pieces

    def _byte_letters(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The positions of byte tokens, and whether each belongs to a letter."""
        values = self._bytes[ids]
        positions = np.flatnonzero(values >= 0)
        values = values[positions].astype(np.uint8)
        lead = values & 0xC0 != 0x80
        text = values.tobytes().decode("utf-8", "replace")
        if len(text) != np.count_nonzero(lead):  # invalid UTF-8, which encoding never gives
            return positions, np.zeros(len(positions), dtype=bool)
        letters = np.array([_is_letter(character) for character in text], dtype=bool)
        return positions, letters[np.cumsum(lead) - 1]


def _is_letter(character: str) -> bool:
    return bool(character) and (character.isalpha() or unicodedata.category(character)[0] == "M")
