"""Which works are held out."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.corpus.split import held_out_ids
from tests.helpers import quick

Works = list[tuple[str, int]]
SHARES = st.sampled_from([0.01, 0.02, 0.05, 0.1, 0.3])
sizes = st.lists(st.integers(1, 10**7), min_size=2, max_size=60)


def works(sizes: list[int]) -> Works:
    return [(f"work {number}", size) for number, size in enumerate(sizes)]


def library(seed: int, count: int = 370) -> Works:
    """Sizes as in a library of classics: half the text in some tenth of the works."""
    draw = random.Random(seed)
    return works([int(min(3_000_000, draw.lognormvariate(9.8, 1.6))) + 200 for _ in range(count)])


def characters(documents: Works, names: set[str] | None = None) -> int:
    return sum(size for name, size in documents if names is None or name in names)


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("seed", range(10))
def test_of_a_library_of_classics_the_share_is_reached_and_not_passed(seed, share):
    documents = library(seed)
    held = held_out_ids("classics", documents, share)
    assert 0.9 * share <= characters(documents, held) / characters(documents) <= share


@pytest.mark.parametrize("seed", range(10))
def test_no_single_work_is_most_of_what_is_held_out(seed):
    documents = library(seed)
    held = held_out_ids("classics", documents, 0.05)
    largest = max(size for name, size in documents if name in held)
    assert largest <= 0.3 * characters(documents, held)


@quick
@given(sizes, SHARES)
def test_the_share_is_not_passed_but_by_a_single_smallest_work(sizes, share):
    documents = works(sizes)
    held = held_out_ids("any", documents, share)
    total = characters(documents, held)
    smallest = min(size for _, size in documents)
    assert total <= share * characters(documents) or (len(held) == 1 and total == smallest)


@quick
@given(st.integers(2, 200), SHARES)
def test_of_works_of_one_size_about_the_share_is_held_out(count, share):
    documents = works([5000] * count)
    wanted = count * share
    assert max(1, 0.5 * wanted) <= len(held_out_ids("talks", documents, share)) <= max(1, wanted)


@quick
@given(sizes, st.floats(0.001, 0.999))
def test_at_least_one_work_is_held_out_and_one_is_left_to_train_on(sizes, share):
    documents = works(sizes)
    held = held_out_ids("any", documents, share)
    assert 0 < len(held) < len(documents)
    assert held <= {name for name, _ in documents}


def test_a_single_work_is_left_to_train_on():
    assert held_out_ids("any", works([1000]), 0.5) == set()
    assert held_out_ids("any", [], 0.5) == set()


@quick
@given(sizes, SHARES, st.randoms(use_true_random=False))
def test_the_order_of_works_does_not_matter(sizes, share, draw):
    documents = works(sizes)
    shuffled = draw.sample(documents, len(documents))
    assert held_out_ids("any", shuffled, share) == held_out_ids("any", documents, share)


def test_sources_are_split_each_in_its_own_way():
    documents = library(0)
    held = [held_out_ids(source, documents, 0.05) for source in ("one", "two", "one")]
    assert held[0] == held[2] != held[1]


@pytest.mark.parametrize("seed", range(5))
def test_one_more_small_work_moves_few_others(seed):
    documents = library(seed)
    before = held_out_ids("classics", documents, 0.05)
    after = held_out_ids("classics", [*documents, ("new", 3000)], 0.05)
    assert len(before ^ after) <= 4
