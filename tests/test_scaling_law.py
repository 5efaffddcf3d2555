"""The scaling law: what it recovers from runs, and what it says of those that were not made."""

from __future__ import annotations

import json
import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from femtogpt.errors import UserError
from femtogpt.scaling_law import LAWS, LAYERS, PACKAGE_LAW, PRIOR, Point, ScalingLaw, fit, law_for

TRUE = (1.1, 0.25, 0.3, 0.75, 0.4, 12.0, 0.5)  # in the order of PRIOR
TEXT = 10e6


def law(*constants: float) -> ScalingLaw:
    return ScalingLaw(constants or TRUE, (constants or TRUE,), 0.004, 0.02)


def runs(truth: ScalingLaw, noise: float = 0.0, seed: int = 0) -> list[Point]:
    """A grid as in benchmarks/scaling_runs.py, with figures from a law."""
    grid = [*product((1.4e6, 3e6, 5e6, 9e6), (0.3e6, 0.6e6, 1.2e6, 2.4e6), (TEXT,))]
    grid += [
        (1.4e6, 0.6e6, 0.15e6),
        (5e6, 1.8e6, 0.15e6),
        (3e6, 3.6e6, 0.3e6),
        (1.4e6, 3.6e6, 0.9e6),
    ]
    random = np.random.default_rng(seed)
    return [
        Point(*given, truth.bits(*given) * math.exp(noise * random.standard_normal()))
        for given in grid
    ]


constants = st.tuples(
    st.floats(0.8, 1.3),
    st.floats(0.15, 0.5),
    st.floats(0.25, 0.5),
    st.floats(0.5, 1.2),
    st.floats(0.28, 0.5),
    st.floats(8, 25),
    st.floats(0.3, 0.8),
)
sizes = st.floats(1e6, 50e6)
lengths = st.floats(1e5, 1e9)


@settings(max_examples=5, deadline=None)
@given(constants)
def test_a_law_is_recovered_from_runs_that_obey_it(true):
    truth = law(*true)
    found = fit(runs(truth), count=1)
    for inside in (TEXT, 0.3e6):
        point = (4e6, 1.5e6, inside)
        assert found.bits(*point) == pytest.approx(truth.bits(*point), rel=0.01)
    beyond = (9e6, 10e6, TEXT)  # four times as far as any run
    assert found.bits(*beyond) == pytest.approx(truth.bits(*beyond), rel=0.03)


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(constants, st.integers(0, 1000))
def test_what_was_not_trained_ends_in_the_interval_that_is_told(true, seed):
    truth = law(*true)
    found = fit(runs(truth, noise=0.004, seed=seed))
    for point in ((5e6, 4e6, TEXT), (14e6, 20e6, TEXT), (9e6, 100e6, TEXT)):
        expected = found.expected(*point)
        margin = 1.02  # the interval is to hold nine times of ten: here, nearly always
        assert expected.low / margin < truth.bits(*point) < expected.high * margin


def test_the_constants_are_found_where_the_runs_tell_them():
    grid = product((0.3e6, 3e6, 30e6, 300e6), (0.1e6, 1e6, 10e6, 100e6, 1000e6), (1e6, 1e12))
    found = fit([Point(*given, law().bits(*given)) for given in grid], count=1)
    assert found.constants == pytest.approx(TRUE, rel=0.1)


def test_one_run_that_went_wrong_changes_little():
    points = runs(law())
    wrong = [Point(*[*vars(points[0]).values()][:3], 2 * points[0].bits), *points[1:]]
    point = (4e6, 2e6, TEXT)
    assert fit(wrong, count=1).bits(*point) == pytest.approx(law().bits(*point), rel=0.01)


@given(sizes, lengths, lengths)
def test_a_larger_model_and_a_longer_training_are_never_expected_to_be_worse(size, tokens, text):
    bits = law().bits(size, tokens, text)
    if tokens <= text:  # a large model learns a short text by heart
        assert law().bits(2 * size, tokens, text) < bits
    assert law().bits(size, 2 * tokens, text) <= bits
    assert law().bits(size, tokens, 2 * text) <= bits + 1e-12
    assert bits > TRUE[0]


@given(sizes, lengths, st.floats(1.1, 100))
def test_text_that_is_read_again_teaches_less_than_new_text(size, text, passes):
    again, new = (law().bits(size, passes * text, size_of) for size_of in (text, passes * text))
    assert again > new


def test_the_interval_is_wider_far_from_the_runs():
    found = fit(runs(law(), noise=0.004))
    near, far = found.expected(5e6, 1e6, TEXT), found.expected(50e6, 1e9, 1e9)
    assert near.low < near.bits < near.high
    assert far.high / far.low > near.high / near.low


def test_a_law_needs_more_runs_than_it_has_constants():
    with pytest.raises(ValueError, match="needs 7 runs or more, not 6"):
        fit(runs(law())[: len(PRIOR) - 1])


def test_a_size_may_be_that_of_the_layers_alone():
    layers = fit(runs(law()), count=1, counts=LAYERS)
    assert ScalingLaw.of(layers.as_dict()) == layers
    assert layers.size_of(256, 8000, 5_260_000) == 5_260_000 - 256 * 8000
    assert law().size_of(256, 8000, 5_260_000) == 5_260_000


def test_a_persons_own_law_wins(tmp_path):
    own = law()
    (tmp_path / LAWS).mkdir()
    (tmp_path / LAWS / "mine.json").write_text(json.dumps(own.as_dict()))
    assert law_for("mine", tmp_path) == own


def test_a_file_that_holds_no_law_is_told(tmp_path):
    (tmp_path / LAWS).mkdir()
    (tmp_path / LAWS / "mine.json").write_text('{"draws": []}')
    with pytest.raises(UserError, match=r"mine.json holds no scaling law .* make law"):
        law_for("mine", tmp_path)


def test_the_law_that_comes_with_the_project_says_from_what_it_was_made(tmp_path):
    found = law_for("classics", tmp_path)
    assert found.made_from["sources"] == ["classics"]
    assert found.made_from["runs"] in found.basis
    expected = found.expected(5.3e6, 3e6, 10.4e6)
    assert expected.low < expected.bits < expected.high and 1.5 < expected.bits < 2.2


def test_the_law_that_comes_with_the_project_is_a_fit_of_the_runs_beside_it():
    content = json.loads(PACKAGE_LAW.read_bytes())
    shipped = ScalingLaw.of(content)
    points = [
        Point(run[shipped.counts], run["tokens"], run["text"], run["bits_per_character"])
        for run in content["runs"]
    ]
    again = fit(points, count=1, counts=shipped.counts)
    assert again.constants == pytest.approx(shipped.constants, rel=0.01)
    assert again.spread == pytest.approx(shipped.spread, rel=0.01)
    expected = [shipped.expected(point.size, point.tokens, point.text) for point in points]
    inside = [
        each.low < point.bits < each.high for each, point in zip(expected, points, strict=True)
    ]
    assert sum(inside) >= 0.9 * len(points)
