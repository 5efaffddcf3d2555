"""Intervals hold the truth as often as they say; pairing narrows them, clusters widen them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.errors import UserError
from femtogpt.evaluation.breakdown import LEVELS, parts
from femtogpt.evaluation.document_scores import SCORES
from femtogpt.evaluation.intervals import figure, paired_difference
from tests.helpers import quick

TRUTH = 2.0  # bits per character


def scores(rates, characters, authors=None, works=None, kinds=None) -> pl.DataFrame:
    """A table of documents with so many bits per character each."""
    count = len(rates)
    ids = [str(number) for number in range(count)]
    return pl.DataFrame(
        {
            "source": "one",
            "id": ids,
            "work": works or ids,
            "author": authors or [None] * count,
            "title": None,
            "kind": kinds or "prose",
            "characters": characters,
            "tokens": 1,
            "bits": np.asarray(rates, float) * characters,
        },
        SCORES,
    )


def drawn(draw, works: int, unequal: float, authors: int = 0, of_author: float = 0.1):
    """Works of very different lengths; those of an author have something in common."""
    characters = np.exp(draw.normal(10, unequal, works)).astype(int) + 1
    names, rates = None, TRUTH + draw.normal(0, 0.1, works)
    if authors:
        whose = np.arange(works) % authors
        rates += draw.normal(0, of_author, authors)[whose]
        names = [f"author {number}" for number in whose]
    return scores(rates, characters, names)


@pytest.mark.parametrize(
    ("works", "unequal", "authors"),
    [(5, 0, 0), (7, 1, 0), (13, 1.8, 0), (40, 1, 0), (30, 0.5, 6)],
)
def test_the_interval_holds_the_truth_nineteen_times_in_twenty(works, unequal, authors):
    draw = np.random.default_rng(works)
    told = [figure(drawn(draw, works, unequal, authors)) for _ in range(300)]
    holds = [abs(each.bits_per_character - TRUTH) <= each.half_width for each in told]
    assert 0.92 <= np.mean(holds) <= 0.995


def test_without_clusters_the_interval_would_hold_it_too_rarely():
    """As a check of the check: works of few authors are no independent works."""
    draw, holds = np.random.default_rng(1), []
    for _ in range(300):
        alone = drawn(draw, 30, 0.5, 6, of_author=0.3).with_columns(author=pl.lit(None, pl.String))
        told = figure(alone)
        holds.append(abs(told.bits_per_character - TRUTH) <= told.half_width)
    assert np.mean(holds) < 0.8


def test_authors_who_differ_widen_the_interval():
    table = drawn(np.random.default_rng(3), 40, 0.5, 8, of_author=0.3)
    by_author, by_work = figure(table), figure(table.with_columns(author=pl.lit(None, pl.String)))
    assert (by_author.clusters, by_work.clusters) == ("author", "work")
    assert by_author.half_width > 1.5 * by_work.half_width
    assert by_author.bits_per_character == by_work.bits_per_character


def test_two_authors_are_no_clusters_and_a_work_without_an_author_is_one():
    lengths, rates = [100] * 6, [2.0, 2.1, 2.2, 1.9, 1.8, 2.0]
    assert figure(scores(rates, lengths, ["а", "б"] * 3)).clusters == "work"
    one = figure(scores(rates, lengths, ["а", "б", "в", None, None, None]))
    assert one.clusters == "author"
    assert one.half_width == pytest.approx(figure(scores(rates, lengths)).half_width)


def test_the_parts_of_a_work_count_as_one():
    rates, lengths = [2.0, 2.1, 2.2, 1.9, 1.8, 2.0, 2.3, 1.7], [100] * 8
    of_four = figure(scores(rates, lengths, works=list("aabbccdd")))
    assert (of_four.works, of_four.half_width, of_four.clusters) == (4, None, None)
    assert figure(scores(rates, lengths, works=list("aabbccde"))).half_width > 0


@pytest.mark.parametrize("works", range(1, 8))
def test_below_five_works_there_is_no_interval(works):
    table = drawn(np.random.default_rng(works), works, 1)
    more = table.with_columns(bits=pl.col("bits") * 1.1)
    has = works >= 5
    assert (figure(table).half_width is not None) == has
    difference = paired_difference(table, more)
    assert (difference.half_width is not None) == has and difference.works == works
    assert difference.is_told == has or has
    assert has or f"without an interval: {works} work" in difference.words()


def test_pairing_narrows_the_interval_and_finds_a_small_difference():
    draw = np.random.default_rng(5)
    one = drawn(draw, 20, 1)
    noise = draw.normal(0.02, 0.01, 20)
    other = one.with_columns(bits=pl.col("bits") - pl.col("characters") * pl.Series(noise))
    difference = paired_difference(one, other)
    assert difference.half_width < figure(one).half_width / 3
    assert difference.is_told and difference.difference == pytest.approx(-0.02, abs=0.01)
    assert difference.words().startswith("B is better by 0.0")
    assert paired_difference(other, one).words("наша", "их").startswith("их is worse by 0.0")


def test_differences_that_are_chance_are_told_one_time_in_twenty():
    draw, told = np.random.default_rng(6), 0
    for _ in range(300):
        one = drawn(draw, 12, 1)
        noise = draw.normal(0, 0.05, 12)
        told += paired_difference(
            one, one.with_columns(bits=pl.col("bits") + pl.col("characters") * pl.Series(noise))
        ).is_told
    assert told <= 0.08 * 300


tables = st.integers(1, 10**6).map(
    lambda seed: drawn(np.random.default_rng(seed), 5 + seed % 9, 1.5, seed % 4)
)


@quick
@given(tables)
def test_a_model_differs_from_itself_by_nothing(table):
    difference = paired_difference(table, table)
    assert (difference.difference, difference.half_width, difference.is_told) == (0, 0, False)
    assert difference.words() == "no difference can be told: 0.000 ± 0.000"


@quick
@given(tables, st.floats(0.5, 2))
def test_sides_changed_the_difference_changes_its_sign_alone(table, factor):
    other = table.with_columns(bits=pl.col("bits") * factor).reverse()
    there, back = paired_difference(table, other), paired_difference(other, table)
    assert there.difference == pytest.approx(-back.difference)
    assert there.half_width == pytest.approx(back.half_width)
    apart = figure(other).bits_per_character - figure(table).bits_per_character
    assert there.difference == pytest.approx(apart, abs=1e-9)


def test_only_what_both_have_is_compared_and_it_must_be_the_same():
    table = drawn(np.random.default_rng(8), 9, 1)
    assert paired_difference(table, table.head(6)).works == 6
    with pytest.raises(UserError, match="no document in common"):
        paired_difference(table, table.with_columns(source=pl.lit("two")))
    with pytest.raises(UserError, match="not the same in both"):
        paired_difference(table, table.with_columns(pl.col("characters") + 1))


@quick
@given(tables)
def test_the_parts_at_every_level_add_up_to_the_whole(table):
    table = table.with_columns(
        source=pl.Series(["one", "two", "three"] * 5)[: len(table)],
        kind=pl.Series(["verse", "prose"] * 7)[: len(table)],
    )
    whole, *others = parts([table, table])
    assert whole.level == "all" and whole.difference.difference == 0
    for level in LEVELS:
        own = [part for part in others if part.level == level]
        if level == "author" and table["author"].null_count():
            assert own == []
            continue
        if len(own) > 1:
            figures = [part.figures[0] for part in own]
            assert sum(each.characters for each in figures) == table["characters"].sum()
            bits = sum(each.bits_per_character * each.characters for each in figures)
            assert bits == pytest.approx(table["bits"].sum())
            sizes = [each.characters for each in figures]
            assert sizes == sorted(sizes, reverse=True)
