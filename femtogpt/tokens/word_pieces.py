"""How words are cut into pieces.

A word is a run of letters, together with the accents that are set on them: what stands between
spaces, digits, hyphens and punctuation. «по-русски» is two words.
"""

from __future__ import annotations

import unicodedata

import numpy as np

from femtogpt.tokens.tokenizer import Tokenizer


class Words:
    """Finds the words in ids of a tokenizer."""

    def __init__(self, tokenizer: Tokenizer):
        texts = tokenizer.pieces
        self._has = np.array([any(map(_letter, text)) for text in texts])
        self._starts = np.array([_letter(text[:1]) for text in texts])
        self._ends = np.array([_letter(text[-1:]) for text in texts])
        self._bytes = tokenizer.bytes

    def cut(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where each word begins and how many pieces it has, both of shape (words,).

        ``ids`` (shape (tokens,)) are of whole characters, where some are spelled in bytes.
        """
        has, starts, ends = self._has[ids], self._starts[ids], self._ends[ids]
        places, letters = self._spelled(ids)
        for flags in (has, starts, ends):
            flags[places] = letters
        begins = has.copy()
        begins[1:] &= ~(starts[1:] & ends[:-1])
        first = np.flatnonzero(begins)
        pieces = np.diff(np.flatnonzero(begins[has]), append=np.count_nonzero(has))
        return first, pieces

    def _spelled(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The places of bytes, and whether each belongs to a letter."""
        values = self._bytes[ids]
        places = np.flatnonzero(values >= 0)
        values = values[places].astype(np.uint8)
        lead = values & 0xC0 != 0x80
        text = values.tobytes().decode("utf-8", "replace")
        if len(text) != np.count_nonzero(lead):  # broken: no text was encoded so
            return places, np.zeros(len(places), dtype=bool)
        letters = np.array([_letter(character) for character in text], dtype=bool)
        return places, letters[np.cumsum(lead) - 1]


def _letter(character: str) -> bool:
    return bool(character) and (character.isalpha() or unicodedata.category(character)[0] == "M")
