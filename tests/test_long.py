"""What `make test-long` calls growth, on made-up courses: of a sound pipeline, and of leaks."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest

from tests.long import __main__ as long
from tests.long.judged import A_STEP, judge, moments, table
from tests.long.observed import Sample
from tests.secret_search import TOKEN

EVERY = 200  # steps between evaluations


def course(**leaks: float) -> list[Sample]:
    """An hour and a half of training; ``leaks``: what more there is of a thing in the end."""
    draw = random.Random(1)
    samples = []
    for number in range(180):
        seconds, steps, share = 30.0 * number, 1000 * number, number / 180
        warming = min(1.0, number / 30)
        values = {
            "flow: MB": 400 * warming + draw.uniform(-5, 5),
            "flow: threads": 20 + draw.randrange(3),
            "flow: open files": 30 + draw.randrange(3),
            "run: files": 8 + draw.randrange(3),
            "mlflow: rows of metrics": A_STEP * steps,
            "mlflow: MB": A_STEP * steps * 150 / 1e6,
            "prefect: rows of events": moments(5, 0, seconds) + seconds // 180,
            "prefect: rows of task_run": 9,
        }
        for name, leak in leaks.items():
            values[name.replace("_of_", " of ").replace("__", ": ")] += leak * share
        samples.append(Sample(seconds, steps, values))
    return samples


def test_what_the_steps_explain_is_no_growth():
    rows = judge(course(), EVERY)
    assert [row.failure for row in rows if row.failure] == []
    assert "flow: MB" in table(rows) and "task_run" not in table(rows)


@pytest.mark.parametrize(
    ("name", "leak"),
    [
        ("flow__MB", 100),
        ("flow__threads", 10),
        ("flow__open files", 10),
        ("run__files", 10),
        ("mlflow__rows_of_metrics", 300_000),
        ("mlflow__MB", 1000),
        ("prefect__rows_of_events", 200),
        ("prefect__rows_of_task_run", 100),
    ],
)
def test_a_leak_is_found_and_named(name, leak):
    (failure,) = [row.failure for row in judge(course(**{name: leak}), EVERY) if row.failure]
    assert failure.startswith(f"{name.replace('_of_', ' of ').replace('__', ': ')} grew by ")


def test_a_token_that_is_left_behind_fails_it(tmp_path, monkeypatch, capsys):
    def watched(folder, seconds, pause):
        (folder.parent / "flow.log").write_text(f"so it begins: {TOKEN}")
        return SimpleNamespace(rows=list, failures=[], told=list)

    monkeypatch.setattr(long.clocks, "tries", lambda folder, pause: [])
    monkeypatch.setattr(long.growth, "watched", watched)
    assert long.main(["--minutes", "5", "--out", str(tmp_path / "long.json")]) == 1
    assert "failed: the token is in " in capsys.readouterr().out
