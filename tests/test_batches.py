"""The order of training: a function of seed and step that misses nothing."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from femtogpt.errors import UserError
from femtogpt.tokens.batches import Batches
from femtogpt.tokens.shards import Shard
from tests.helpers import quick

CONTEXT = 16
RANGE = 5000  # ids of a shard: tells where each token stands


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    """Makes a shard whose ids count up from number × RANGE."""
    folder = tmp_path_factory.mktemp("shards")

    def make(number: int, tokens: int) -> Shard:
        path = folder / f"{number}-{tokens}.bin"
        if not path.exists():
            path.write_bytes(np.arange(number * RANGE, number * RANGE + tokens, dtype="<u2"))
        return Shard(path, tokens, "<u2")

    return make


def epoch(batches: Batches, number: int = 0) -> np.ndarray:
    """The sequences of an epoch, each with its last target; needs batches of one sequence."""
    assert batches.batch_size == 1
    steps = range(number * batches.sequences_per_epoch, (number + 1) * batches.sequences_per_epoch)
    pairs = [batches.batch(step) for step in steps]
    return np.stack([np.append(inputs[0], targets[0, -1]) for inputs, targets in pairs])


def offsets(sequences: np.ndarray) -> set[int]:
    """Where in a context's length the sequences of each pass begin."""
    return set((sequences[:, 0] % RANGE % CONTEXT).tolist())


def test_a_batch_is_the_same_in_every_process_whatever_was_asked_before(make):
    def fresh() -> Batches:
        shards = {"a": [make(0, 500), make(1, 300)], "b": [make(2, 700)]}
        return Batches(shards, CONTEXT, 4, seed=3, weights={"a": 0.5, "b": 2})

    straight = fresh()
    course = [np.stack(straight.batch(step)) for step in range(100)]
    for step in (99, 3, 50, 0, 98):
        assert np.array_equal(fresh().batch(step), course[step])
        assert np.array_equal(straight.batch(step), course[step])


def test_another_seed_is_another_order(make):
    one, two = (Batches({"a": [make(0, 2000)]}, CONTEXT, 8, seed=seed) for seed in (0, 1))
    assert not np.array_equal(one.batch(0)[0], two.batch(0)[0])


def test_targets_are_the_inputs_shifted_by_one(make):
    batches = Batches({"a": [make(0, 900)], "b": [make(1, 400)]}, CONTEXT, 5, seed=0)
    for step in (0, 7, 1000):
        inputs, targets = batches.batch(step)
        assert inputs.shape == targets.shape == (5, CONTEXT)
        assert inputs.dtype == targets.dtype == np.int64
        assert np.array_equal(inputs[:, 1:], targets[:, :-1])
        assert np.array_equal(targets, inputs + 1)  # as the ids count up


@settings(quick, max_examples=40)
@given(
    st.lists(st.integers(2 * CONTEXT, 1500), min_size=1, max_size=3),
    st.integers(0, 2**31 - 1),
    st.integers(0, 3),
)
def test_an_epoch_has_every_sequence_once_and_nearly_every_token(make, sizes, seed, number):
    shards = [make(index, tokens) for index, tokens in enumerate(sizes)]
    sequences = epoch(Batches({"a": shards}, CONTEXT, 1, seed), number)

    assert (np.diff(sequences, axis=1) == 1).all()  # no sequence crosses shards
    predicted = sequences[:, 1:].ravel()
    assert len(set(predicted.tolist())) == predicted.size  # none twice
    assert predicted.size >= sum(sizes) - 2 * CONTEXT * len(sizes)
    for index, tokens in enumerate(sizes):  # what is left out lies at a shard's ends
        own = np.sort(predicted[predicted // RANGE == index])
        assert np.array_equal(own, np.arange(own[0], own[0] + own.size))
        assert own[0] > index * RANGE
        assert own[-1] < index * RANGE + tokens


def test_over_some_epochs_every_token_but_the_first_is_predicted(make):
    batches = Batches({"a": [make(0, 800)]}, CONTEXT, 1, seed=0)
    predicted = {int(id) for number in range(80) for id in epoch(batches, number)[:, 1:].ravel()}
    assert predicted == set(range(1, 800))


def test_epochs_differ_in_order_and_in_where_sequences_begin(make):
    batches = Batches({"a": [make(0, 1000)]}, CONTEXT, 1, seed=0)
    epochs = [epoch(batches, number) for number in range(12)]
    assert all(len(offsets(sequences)) == 1 for sequences in epochs)
    assert len(set.union(*map(offsets, epochs))) > 5
    orders = {tuple((sequences[:, 0] // CONTEXT).tolist()) for sequences in epochs}
    assert len(orders) == len(epochs)
    assert all(list(order) != sorted(order) for order in orders)


def test_an_epoch_takes_as_many_passes_over_a_source_as_it_weighs(make):
    shards = {name: [make(number, 1008)] for number, name in enumerate(("half", "twice", "once"))}
    batches = Batches(shards, CONTEXT, 1, seed=0, weights={"half": 0.5, "twice": 2})
    each = 1008 // CONTEXT - 1

    first, second = epoch(batches, 0), epoch(batches, 1)

    assert Counter((first[:, 0] // RANGE).tolist()) == {0: each // 2, 1: 2 * each, 2: each}
    assert batches.sequences_per_epoch == len(first)
    assert batches.tokens_per_epoch == batches.sequences_per_epoch * CONTEXT
    halves = [sequences[sequences[:, 0] < RANGE, 0].tolist() for sequences in (first, second)]
    assert len({*halves[0], *halves[1]}) == each  # the other half comes in the next epoch
    twice = first[first[:, 0] // RANGE == 1]
    assert set(Counter(twice[:, 1:].ravel().tolist()).values()) == {1, 2}


def test_sources_are_mixed_within_an_epoch_and_anew_in_the_next(make):
    batches = Batches({"a": [make(0, 2000)], "b": [make(1, 2000)]}, CONTEXT, 1, seed=0)
    one, two = (epoch(batches, number)[:, 0] < RANGE for number in (0, 1))
    assert all(0.1 < part.mean() < 0.9 for part in np.array_split(one, 8))
    assert not np.array_equal(one, two)


def test_a_source_of_little_text_is_seen_in_every_epoch(make):
    shards = {"large": [make(0, 2000)], "small": [make(1, CONTEXT + 1)]}
    batches = Batches(shards, CONTEXT, 1, seed=0, weights={"small": 0.01})
    for number in range(3):
        assert (epoch(batches, number)[:, 0] == RANGE).sum() == 1


def test_a_shard_shorter_than_a_sequence_is_left_out(make):
    shards = {"a": [make(0, CONTEXT), make(1, 200)], "b": [make(2, 3)]}
    sequences = epoch(Batches(shards, CONTEXT, 1, seed=0))
    assert set((sequences // RANGE).ravel().tolist()) == {1}


@pytest.mark.parametrize("sizes", [[CONTEXT], [5, CONTEXT - 1], []])
def test_too_little_text_is_told_with_the_setting_to_change(sizes, make):
    shards = {"a": [make(number, tokens) for number, tokens in enumerate(sizes)]}
    with pytest.raises(UserError, match=rf"has {sum(sizes)} tokens.*lower model\.context"):
        Batches(shards, CONTEXT, 1, seed=0)


def test_the_smallest_text_that_suffices_does(make):
    batches = Batches({"a": [make(0, CONTEXT + 1)]}, CONTEXT, 3, seed=0)
    inputs, _ = batches.batch(10**12)
    assert np.array_equal(inputs, np.tile(np.arange(CONTEXT), (3, 1)))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_corpus(tmp_path):
    """What batches of a corpus of 10 billion tokens keep is what those of a small one keep."""

    def most(tokens: int) -> int:
        path = tmp_path / f"{tokens}.bin"
        with path.open("wb") as file:
            file.truncate(2 * tokens)  # sparse: it takes no room on the disk
        tracemalloc.start()
        batches = Batches({"one": [Shard(path, tokens, "<u2")]}, 256, 8, seed=0)
        for step in range(200):
            batches.batch(step)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    small = most(100_000)
    assert most(10_000_000_000) < small + 20_000
