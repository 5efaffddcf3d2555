"""The letters of a text, whatever stands between them and however they are written."""

from __future__ import annotations

from functools import cache

import numpy as np


@cache
def alphabet() -> np.ndarray:
    """For each character of the basic plane: the lower-case letter, е for ё, 0 for no letter.

    (65536,) uint16; the last is 0, so what lies beyond the plane can be clipped to it.
    """
    small = [ord(char.lower()[0]) if (char := chr(code)).isalpha() else 0 for code in range(65536)]
    small[ord("ё")] = small[ord("Ё")] = ord("е")
    return np.array(small, np.uint16)


def letters(codes: np.ndarray) -> np.ndarray:
    """The letter at each place of a text given as code points, 0 where there is none: uint16."""
    return alphabet().take(codes, mode="clip")
