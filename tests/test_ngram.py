"""The n-gram model: its probabilities are those of Chen and Goodman's formulas."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from femtogpt.ngram.counted_text import counted_text
from femtogpt.ngram.distributions import Distributions, Sparse
from femtogpt.ngram.kneser_ney import USUAL_DISCOUNTS, NGram, _discounts

EOS, VOCABULARY = 1, 12
documents = st.lists(st.lists(st.integers(2, 11), min_size=1, max_size=30), min_size=1, max_size=6)


def text(parts: list[list[int]]) -> np.ndarray:
    return np.array([EOS, *(id for part in parts for id in (*part, EOS))], np.uint16)


def by_the_formulas(ids: list[int], order: int):
    """p(id | context) by dictionaries, one n-gram at a time."""
    occurrences: list[Counter] = [Counter() for _ in range(order + 1)]
    for n in range(1, order + 1):
        for start in range(len(ids) - n + 1):
            gram = tuple(ids[start : start + n])
            if EOS in gram[1:-1] or gram == (EOS, EOS):
                continue
            occurrences[n][gram] += 1
    counts: list[dict] = [{} for _ in range(order + 1)]
    counts[order] = occurrences[order]
    for n in range(1, order):
        before = defaultdict(set)
        for gram in occurrences[n + 1]:
            before[gram[1:]].add(gram[0])
        counts[n] = {gram: len(before[gram]) or times for gram, times in occurrences[n].items()}

    def probability(id: int, context: tuple[int, ...]) -> float:
        n = len(context) + 1
        lower = probability(id, context[1:]) if context else 1 / VOCABULARY
        after = {gram: times for gram, times in counts[n].items() if gram[:-1] == context}
        if not after:
            return lower
        discounts = _discounts(np.array(list(counts[n].values())))
        total = sum(after.values())
        times = after.get((*context, id), 0)
        left = sum(discounts[min(3, t)] for t in after.values())
        return (times - discounts[min(3, times)] + left * lower) / total

    return probability


def dense(distributions: Distributions, sparse: Sparse) -> np.ndarray:
    rows = distributions.table[sparse.rows].astype(np.float64) * sparse.weights[:, None]
    for row, (begin, end) in zip(rows, pairwise(sparse.bounds), strict=True):
        np.add.at(row, sparse.ids[begin:end], sparse.values[begin:end])
    return rows


@given(documents, documents, st.integers(2, 5))
@settings(max_examples=60, deadline=None)
def test_probabilities_are_those_of_the_formulas(train, scored, order):
    ids = text(scored)
    found = NGram.train([text(train)], EOS, VOCABULARY, order).log2_probabilities(ids)
    probability = by_the_formulas(text(train).tolist(), order)
    for position in range(1, len(ids)):
        context = ids[max(0, position - order + 1) : position].tolist()
        if EOS in context:  # the eos before a document is the most that it sees
            last = len(context) - 1 - context[::-1].index(EOS)
            context = context[last:]
        expected = np.log2(probability(int(ids[position]), tuple(context)))
        assert found[position - 1] == pytest.approx(expected, abs=1e-5)


@given(documents, documents, st.integers(2, 5), st.booleans())
@settings(max_examples=60, deadline=None)
def test_distributions_sum_to_one_and_agree_with_the_probabilities(train, other, order, frequent):
    model = NGram.train([text(train)], EOS, VOCABULARY, order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("femtogpt.ngram.distributions.FREQUENT", 3 if frequent else 0)
        distributions = Distributions(model)
    ids = text(other).astype(np.int64)
    rows = dense(distributions, distributions.after(ids[None, :-1]))
    assert rows.min() >= 0
    assert rows.sum(1) == pytest.approx(1, abs=1e-5)
    expected = model.log2_probabilities(ids)
    assert np.log2(rows[np.arange(len(rows)), ids[1:]]) == pytest.approx(expected, abs=1e-4)


@given(documents, st.integers(2, 5))
@settings(max_examples=60, deadline=None)
def test_a_token_left_out_is_not_what_its_distribution_is_sure_of(train, order):
    ids = text(train).astype(np.int64)
    distributions = Distributions(NGram.train([ids], EOS, VOCABULARY, order))
    told, untold = (
        dense(distributions, distributions.after(ids[None, :-1], targets))
        for targets in (None, ids[None, 1:])
    )
    right = np.arange(len(told)), ids[1:]
    assert untold.min() >= 0
    assert untold.sum(1) == pytest.approx(1, abs=1e-5)
    assert (untold[right] <= told[right] + 1e-6).all()


def test_what_was_seen_once_after_a_context_seen_once_is_left_to_shorter_contexts():
    ids = text([[2, 3, 4, 5], [6, 3, 4, 7], [8, 3, 9]]).astype(np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("femtogpt.ngram.distributions.FREQUENT", 0)
        distributions = Distributions(NGram.train([ids], EOS, VOCABULARY, 3))
    rows = dense(distributions, distributions.after(ids[None, :-1], ids[None, 1:]))
    # (3, 4) is followed by 5 and 7 once each: without the 5, it has seen the 7 alone.
    after_three_four = rows[3]
    assert after_three_four[7] > 5 * after_three_four[5]
    # (2, 3) was seen once: without it, what follows 3 decides.
    shorter = dense(distributions, distributions.after(ids[None, 2:3], ids[None, 3:4]))
    assert rows[2] == pytest.approx(shorter[0])


@given(documents, st.integers(2, 5), st.randoms())
@settings(max_examples=30, deadline=None)
def test_the_order_of_documents_and_their_division_into_shards_change_nothing(train, order, random):
    together = NGram.train([text(train)], EOS, VOCABULARY, order)
    shuffled = random.sample(train, len(train))
    apart = NGram.train([text([part]) for part in shuffled], EOS, VOCABULARY, order)
    ids = text(train)
    assert together.log2_probabilities(ids) == pytest.approx(apart.log2_probabilities(ids))


def test_chunks_are_scored_as_a_whole(monkeypatch):
    random = np.random.default_rng(0)
    ids = text([random.integers(2, 12, 200).tolist() for _ in range(3)])
    model = NGram.train([ids], EOS, VOCABULARY, 5)
    whole = model.log2_probabilities(ids)
    monkeypatch.setattr("femtogpt.ngram.kneser_ney.POSITIONS", 7)
    assert model.log2_probabilities(ids).tolist() == whole.tolist()


def test_it_comes_near_the_entropy_of_what_it_learns_and_never_below():
    random = np.random.default_rng(0)
    chances = random.dirichlet(np.full(10, 0.3), size=VOCABULARY)  # of the next id, by the last
    ids = [EOS]
    for _ in range(60_000):
        ids.append(int(random.choice(10, p=chances[ids[-1]])) + 2)
    own = [chances[before][after - 2] for before, after in pairwise(ids[50_000:])]
    entropy = -float(np.log2(own).mean())
    model = NGram.train([np.array(ids[:50_000])], EOS, VOCABULARY, 3)
    bits = -float(model.log2_probabilities(np.array(ids[50_000:])).mean())
    assert entropy < bits < 1.02 * entropy


def test_a_text_too_small_for_discounts_gets_usual_ones():
    assert _discounts(np.array([1, 1, 2])).tolist() == USUAL_DISCOUNTS.tolist()
    counts = np.repeat([1, 2, 3, 4, 9], [50, 20, 10, 6, 5])
    share = 50 / 90
    expected = [0, 1 - 2 * share * 20 / 50, 2 - 3 * share * 10 / 20, 3 - 4 * share * 6 / 10]
    assert _discounts(counts) == pytest.approx(expected)


def test_an_order_out_of_range_and_no_text_are_refused():
    with pytest.raises(ValueError, match="order 6 is not one of 2 to 5"):
        NGram.train([text([[2]])], EOS, VOCABULARY, 6)
    with pytest.raises(ValueError, match="no text"):
        NGram.train([], EOS, VOCABULARY, 3)


def test_a_text_too_large_for_memory_is_counted_in_part_of_each_source(tokens, monkeypatch):
    whole = counted_text(tokens)
    assert [len(part) for part in whole] == [621, 187]
    monkeypatch.setattr("femtogpt.ngram.counted_text.MOST_TOKENS", tokens.total("train") // 2)
    halves = counted_text(tokens)
    for part, half in zip(whole, halves, strict=True):
        assert len(half) == pytest.approx(len(part) / 2, abs=1)
        assert half.tolist() == part[: len(half)].tolist()
    model = NGram.train(halves, tokens.eos, tokens.vocab_size, 3)  # cut within a document
    assert model.log2_probabilities(whole[0]).max() < 0
