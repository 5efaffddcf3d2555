"""The numbers below n in a random order that is computed, not kept: memory does not grow with n."""

from __future__ import annotations

import numpy as np

ROUNDS = 4  # from which on a Feistel network is a good shuffle (Luby & Rackoff 1988)
MASK = (1 << 64) - 1


class Permutation:
    """A permutation of ``range(count)`` drawn by a seed; ``self[i]`` is its i-th number.

    A Feistel network permutes the numbers of an even number of bits; what falls beyond ``count``
    is permuted again until it does not (Black & Rogaway 2002, "cycle walking").
    """

    def __init__(self, count: int, seed: tuple[int, ...]):
        self.count = count
        # Bits of each half; of fewer than four the shuffle is uneven.
        self.half = max(4, -(-(count - 1).bit_length() // 2))
        self.keys = [
            int(key) for key in np.random.SeedSequence(seed).generate_state(ROUNDS, np.uint64)
        ]

    def __getitem__(self, place: int) -> int:
        if not 0 <= place < self.count:
            raise IndexError(place)
        while True:
            place = self._mixed(place)
            if place < self.count:
                return place

    def _mixed(self, number: int) -> int:
        mask = (1 << self.half) - 1
        left, right = number >> self.half, number & mask
        for key in self.keys:
            # The finaliser of splitmix64 (Steele et al. 2014): every bit depends on every other.
            value = (right + key) & MASK
            value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & MASK
            value = (value ^ (value >> 27)) * 0x94D049BB133111EB & MASK
            left, right = right, left ^ (value ^ (value >> 31)) & mask
        return left << self.half | right
