"""A pseudorandom permutation that is computed, not stored, so its memory is constant."""

from __future__ import annotations

import numpy as np

ROUNDS = 4  # the fewest with which a Feistel network is a strong shuffle (Luby & Rackoff 1988)
MASK_64 = (1 << 64) - 1


class Permutation:
    """A permutation of ``range(count)`` drawn from ``seed``: ``self[i]`` is its i-th number.

    A Feistel network permutes the numbers of an even number of bits. A result of ``count`` or more
    is permuted again until it is in range (Black & Rogaway 2002, "cycle walking").
    """

    def __init__(self, count: int, seed: tuple[int, ...]):
        self.count = count
        # With fewer than four bits in each half the shuffle is uneven.
        self.half_bits = max(4, -(-(count - 1).bit_length() // 2))
        self.round_keys = [
            int(key) for key in np.random.SeedSequence(seed).generate_state(ROUNDS, np.uint64)
        ]

    def __getitem__(self, index: int) -> int:
        if not 0 <= index < self.count:
            raise IndexError(index)
        number = self._permute(index)
        while number >= self.count:
            number = self._permute(number)
        return number

    def _permute(self, number: int) -> int:
        mask = (1 << self.half_bits) - 1
        left, right = number >> self.half_bits, number & mask
        for key in self.round_keys:
            # The finaliser of splitmix64 (Steele et al. 2014): every bit depends on every other.
            value = (right + key) & MASK_64
            value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & MASK_64
            value = (value ^ (value >> 27)) * 0x94D049BB133111EB & MASK_64
            left, right = right, left ^ (value ^ (value >> 31)) & mask
        return left << self.half_bits | right
