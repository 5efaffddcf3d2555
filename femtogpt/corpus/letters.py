"""The letters of a text, without regard to case, ё and what is between them."""

from __future__ import annotations

from functools import cache

import numpy as np


@cache
def alphabet() -> np.ndarray:
    """For each character of the basic plane its lower-case letter, е for ё, or 0 if it is none.

    (65536,) uint16. The last is 0, so characters beyond the plane can be clipped to it.
    """
    small = [ord(char.lower()[0]) if (char := chr(code)).isalpha() else 0 for code in range(65536)]
    small[ord("ё")] = small[ord("Ё")] = ord("е")
    return np.array(small, np.uint16)


def letters(codes: np.ndarray) -> np.ndarray:
    """The letters of a text given as code points, 0 for other characters: uint16."""
    return alphabet().take(codes, mode="clip")
