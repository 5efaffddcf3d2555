"""The parts of the report's page: phrases, numbers, points of curves."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from femtogpt.config_file import load_config
from femtogpt.report.chart_svg import picture, reach
from femtogpt.report.curves import Chart, Curve, Points, points, smoothed, thinned, ticks
from femtogpt.report.html_parts import cut, embedded, text
from femtogpt.report.phrases import NOUNS, PHRASES
from femtogpt.report.wording import Wording

RU, EN = Wording("ru"), Wording("en")
REPORT = Path(__file__).resolve().parent.parent / "femtogpt/report"
NUMBERS = some.floats(-1e100, 1e100) | some.sampled_from([math.nan, math.inf, -math.inf])
few = settings(max_examples=30)
values = some.lists(some.floats(-1e6, 1e6), min_size=1, max_size=400)


def plain(words: str) -> str:
    return words.replace("\u00a0", " ").replace("\u202f", " ")


def test_a_phrase_has_the_same_places_in_both_languages():
    for key, (russian, english) in PHRASES.items():
        assert sorted(re.findall(r"{\w+}", russian)) == sorted(re.findall(r"{\w+}", english)), key
        assert not re.search("[а-яё]", english), key


def test_every_phrase_is_used():
    code = "".join(
        file.read_text("utf-8") for file in REPORT.glob("*.py") if file.name != "phrases.py"
    )
    begun = set(re.findall(r'f"(\w+)_\{', code))  # as title_{name}
    unused = {
        key
        for key in PHRASES
        if not re.search(rf"['\"]{key}['\"]", code) and not key.startswith(tuple(begun))
    }
    assert not unused


def test_nouns_have_their_forms():
    for russian, english in NOUNS.values():
        assert russian.count("|") == 2 and english.count("|") == 1


@pytest.mark.parametrize(
    ("number", "russian", "english"),
    [
        (0, "0 произведений", "0 works"),
        (1, "1 произведение", "1 work"),
        (3, "3 произведения", "3 works"),
        (11, "11 произведений", "11 works"),
        (21, "21 произведение", "21 works"),
        (1012, "1012 произведений", "1,012 works"),
        (12_345, "12 345 произведений", "12,345 works"),
    ],
)
def test_a_number_goes_with_the_right_form_of_its_noun(number, russian, english):
    assert plain(RU.count(number, "work")) == russian
    assert plain(EN.count(number, "work")) == english


def test_numbers_are_written_as_each_language_writes_them():
    assert plain(RU.whole(1_684_265)) == "1 684 265" and EN.whole(1_684_265) == "1,684,265"
    assert RU.whole(1_684_265) == "1\u202f684\u202f265"
    assert RU.number(1.8944) == "1,894" and EN.number(1.8944) == "1.894"
    assert RU.number(-0.0153, sign=True) == "−0,015" and RU.number(0.12, sign=True) == "+0,120"
    assert RU.number(-0.0001) == "0,000" and RU.number(math.nan) == "—"
    assert plain(RU.percent(0.114)) == "11,4 %" and EN.percent(0.114) == "11.4%"
    assert RU.percent(math.nan) == "—"
    assert plain(RU.big(5_264_128)) == "5,26 млн" and plain(EN.big(5_264_128)) == "5.26 M"
    assert plain(RU.big(234_944)) == "235 тыс." and RU.big(700) == "700"
    assert plain(RU.significant(1.5e-7)) == "1,5 · 10⁻⁷" and EN.significant(0.012) == "0.012"
    assert plain(RU.duration(7523)) == "2 ч 5 мин" and plain(RU.duration(2.53)) == "2,5 с"
    assert plain(EN.duration(153)) == "2 min 33 s" and plain(EN.duration(120)) == "2 min"
    assert plain(RU.bytes(3_555_606)) == "3,4 МБ" and plain(RU.bytes(235)) == "235 Б"


@few
@given(values, some.integers(1, 30))
def test_thinning_keeps_every_peak_and_few_points(drawn, columns):
    curve = Points(np.arange(len(drawn), dtype=float), np.array(drawn))
    kept = thinned(curve, columns)
    assert len(kept) <= max(4 * columns, 0) and [*kept.steps] == sorted({*kept.steps})
    assert kept.values.max() == max(drawn) and kept.values.min() == min(drawn)
    assert {*zip(kept.steps, kept.values, strict=True)} <= {*enumerate(drawn)}
    assert (kept.steps[0], kept.steps[-1]) == (0, len(drawn) - 1)


@few
@given(values)
def test_a_moving_average_stays_within_the_values(drawn):
    curve = smoothed(Points(np.arange(len(drawn), dtype=float), np.array(drawn)))
    assert len(curve) in (0, len(drawn))
    slack = 1e-6 * max(map(abs, drawn))
    assert all(min(drawn) - slack <= value <= max(drawn) + slack for value in curve.values)


@few
@given(some.floats(-1e9, 1e9), some.floats(1e-9, 1e9), some.integers(2, 8))
def test_ticks_are_few_and_within(low, length, count):
    marks = ticks(low, low + length, count)
    assert len(marks) <= 2 * count + 2
    assert all(low - length * 1e-3 <= mark <= low + length * 1.001 for mark in marks)


@few
@given(some.lists(some.tuples(some.integers(0, 1000), NUMBERS), min_size=1))
def test_a_chart_of_any_finite_values_is_a_picture(drawn):
    curve = points(({"step": step, "x": value} for step, value in drawn), "x")
    assert all(map(math.isfinite, curve.values))
    if len(curve):
        chart = Chart("", "", (Curve("", curve, "held"),))
        svg = picture(chart, reach([chart]), [], RU)
        assert "nan" not in svg and "inf" not in svg


@few
@given(some.text(), some.integers(1, 50))
def test_a_cut_text_begins_as_the_text_and_says_how_much_is_missing(value, most):
    shown = cut(value, most, EN)
    if len(value) <= most:
        assert shown == text(value)
        return
    missing = int(re.search(r"\[([\d,]+)", shown[shown.rindex("…") :])[1].replace(",", ""))
    assert shown.startswith(text(value[: len(value) - missing]))
    assert len(value) - missing <= most


@few
@given(some.text())
def test_data_for_the_script_cannot_end_it(value):
    inside = embedded({"text": value}, "x").partition(">")[2].removesuffix("</script>")
    assert not {"<", ">", "&"} & {*inside}


def test_a_configuration_notes_what_a_person_wrote():
    config = load_config("sample", ["train.max_steps=20", "paths.data=/tmp"])
    about = config.origin.as_dict()
    assert about["changes"] == ["train.max_steps=20"]
    assert {"train.max_steps", "model.width", "corpus.min_characters"} <= {*about["given"]}
    assert not {"paths.data", "train.learning_rate", "name"} & {*about["given"]}
