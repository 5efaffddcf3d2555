"""The order of sequences: every one once, at random, in no memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.tokens.permutation import Permutation


@given(st.integers(1, 700), st.integers(0, 2**31), st.integers(0, 1000))
def test_each_number_comes_once(count, seed, epoch):
    order = Permutation(count, (seed, epoch))
    assert sorted(order[position] for position in range(count)) == list(range(count))


def test_another_seed_is_another_order():
    orders = {tuple(Permutation(50, (seed,))[i] for i in range(50)) for seed in range(40)}
    assert len(orders) == 40


def test_each_number_is_as_likely_at_each_place():
    """Over many seeds each of 5 × 5 pairs of place and number is met about as often."""
    seeds = 3000
    met = {}
    for seed in range(seeds):
        order = Permutation(5, (seed,))
        for position in range(5):
            met[position, order[position]] = met.get((position, order[position]), 0) + 1
    expected = seeds / 5
    chi_squared = sum((met.get((i, j), 0) - expected) ** 2 for i in range(5) for j in range(5))
    assert chi_squared / expected < 60  # 16 degrees of freedom: 60 is beyond one in a million


def test_neighbours_do_not_stay_together():
    order = Permutation(100_000, (7,))
    steps = [order[i + 1] - order[i] for i in range(2000)]
    assert sum(abs(step) < 1000 for step in steps) / len(steps) == pytest.approx(0.02, abs=0.015)


def test_the_largest_corpora_cost_nothing():
    order = Permutation(10**12, (0,))
    assert len({order[position] for position in range(1000)}) == 1000


@pytest.mark.parametrize("position", [-1, 5])
def test_beyond_the_end_is_an_error(position):
    with pytest.raises(IndexError):
        Permutation(5, (0,))[position]
