"""How the laboratory fits a training to a time, and when a course of trainings has a figure."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from arm_training import Process
from bench_learn import time_to
from fitted_time import ATTEMPTS, Pace, pace_of, pace_of_beginning, train_for


def line(step: int, time: float, **values: float) -> dict:
    return {"step": step, "time": time, **values}


def test_a_pace_is_that_of_the_metrics():
    lines = [line(0, 106.0, held_out_loss=1.0), line(1, 108.0), line(2, 110.0)]
    lines += [line(2, 120.0, held_out_loss=0.9), line(3, 122.0), line(4, 124.0)]
    lines += [line(4, 134.0, held_out_loss=0.8)]  # the evaluations took 10 s each
    pace = pace_of(lines, 100.0, 136.0)  # 6 s before the first step, 2 s after the last
    assert pace == Pace(start=8.0, evaluation=10.0, step=2.0, evaluations=2)
    assert pace.steps(8.0 + 2 * 10.0 + 2.0 * 30) == 30
    assert pace.steps(1.0) == 1


def test_what_the_first_steps_took_besides_stays_whatever_the_length():
    """An n-gram teaches 40 steps, each for 5 s instead of 2 s."""

    def lines(steps: int) -> list[dict]:
        times = [6.0 + 5 * min(step, 40) + 2 * max(0, step - 40) for step in range(steps + 1)]
        first, *others = (line(step, time) for step, time in enumerate(times))
        last = line(steps, times[-1] + 1, held_out_loss=1.0)
        return [{**first, "held_out_loss": 2.0}, *others, last]

    pace = pace_of(lines(150), 0.0, lines(150)[-1]["time"])
    for steps in (130, 150, 300):
        assert pace.steps(lines(steps)[-1]["time"] + 0.5) == steps


def test_the_first_steps_of_a_beginning_do_not_count():
    lines = [line(0, 106.0, held_out_loss=1.0)]
    lines += [line(step, 106.0 + 5 * step) for step in range(1, 11)]
    lines += [line(10, 157.0, held_out_loss=0.9)]
    lines += [line(step, 157.0 + 2 * (step - 10)) for step in range(11, 31)]
    expected = Pace(start=6.0, evaluation=1.0, step=2.0, evaluations=20)
    assert pace_of_beginning(lines, 100.0, 20) == expected


@pytest.mark.parametrize(("wrong", "attempts"), [(1.0, 1), (1.02, 1), (1.5, 2)])
def test_a_training_that_missed_its_time_is_done_again(wrong, attempts):
    made, true = [], Pace(5.0, 0.5, 0.1, 20)

    def train(steps: int) -> SimpleNamespace:
        seconds = true.start + 20 * true.evaluation + steps * true.step
        made.append(SimpleNamespace(seconds=seconds, pace=true))
        return made[-1]

    finished = train_for(100.0, Pace(5.0, 0.5, 0.1 * wrong, 20), train)
    assert len(made) == attempts and abs(finished.seconds - 100) < 3


def test_the_nearest_attempt_counts_where_none_takes_its_time():
    seconds = iter([150.0, 90.0, 120.0])
    attempts = [SimpleNamespace(seconds=value, pace=Pace(1.0, 0.0, 1.0, 20)) for value in seconds]
    left = iter(attempts)
    assert train_for(100.0, Pace(1.0, 0.0, 1.0, 20), lambda steps: next(left)) is attempts[1]
    assert next(left, None) is None and len(attempts) == ATTEMPTS


def test_the_time_to_a_figure_is_between_two_trainings():
    course = [(0.25, 2.2), (0.5, 2.0), (1.0, 1.8)]
    assert time_to(2.1, course) == pytest.approx((0.25 * 0.5) ** 0.5)
    assert time_to(1.8, course) == 1.0
    assert time_to(2.3, course) == 0.25
    assert time_to(1.7, course) is None


@pytest.mark.parametrize(
    ("tokens", "softmax_tokens", "expected"),
    [
        (100 * 64, None, Pace(10.0 + 100 * 1.0, 0.5, 1.0, 20)),
        (
            100 * 64,
            300,
            Pace(10.0 + 100 * 0.8, 0.5, 1.2, 20),
        ),  # a fifth are like the first
        (10_000 * 64, None, Pace(10.0, 0.5, 2.0, 20)),  # it teaches longer than the training lasts
    ],
)
def test_a_first_guess_knows_how_many_steps_an_ngram_teaches(
    monkeypatch, tokens, softmax_tokens, expected
):
    """Its steps take 2 s, the others 1 s."""

    def beginning(self, run: Path, settings: dict[str, float]) -> Pace:
        return Pace(10.0, 0.5, 1.0 if settings == {"ngram_share": 0.0} else 2.0, 20)

    monkeypatch.setattr(Process, "_beginning", beginning)
    train = {"ngram_share": 1.0, "ngram_tokens": tokens, "batch_size": 8, "decay": 0.8}
    train["softmax_tokens"] = softmax_tokens
    resolved = SimpleNamespace(model={"context": 8}, train=train)
    pace = Process(resolved, None, Path(), 0, None).measure(Path("run"), 600.0)
    assert pace.as_dict() == pytest.approx(expected.as_dict())
