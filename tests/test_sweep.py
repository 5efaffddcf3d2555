"""Sweeps: what is tried, what is kept over a stop, what is pruned, and what comes out."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from femtogpt.config_file import load_config
from femtogpt.errors import Pruned, UserError
from femtogpt.sweep.study import Study
from femtogpt.sweep.sweep_config import load_sweep
from femtogpt.sweep.sweep_report import BEST, PICTURE, TABLE, write_sweep
from femtogpt.training.metrics import BITS

GRID = """
config: sample
settings:
  model.layers: [1, 2, 3]
  train.learning_rate: [0.01, 0.1]
changes: {train.max_steps: 100}
"""
SEARCH = """
config: sample
search: tpe
settings:
  model.layers: [1, 2, 3, 4]
  train.learning_rate: {low: 1.0e-4, high: 1.0, scale: log}
trials: 25
"""


@pytest.fixture
def sweep(tmp_path):
    def sweep(text: str, **changes):
        (tmp_path / "mine.yaml").write_text(text)
        return load_sweep(str(tmp_path / "mine.yaml"), changes)

    return sweep


_open: list[Study] = []


def opened(known, folder: Path) -> Study:
    """The study of a sweep in a folder; the one before is let go of, as if its process was gone."""
    while _open:
        _open.pop().close()
    _open.append(Study(known, known.variant({"paths.data": str(folder)})))
    return _open[-1]


def counts(steps: int = 100) -> dict:
    return {"steps": steps, "tokens": 1000 * steps, "seconds": 0.6 * steps}


def bits(chosen: dict) -> float:
    """A made-up outcome whose best is at three layers and a rate of 0.01."""
    rate = chosen["train.learning_rate"]
    return 2 + abs(chosen["model.layers"] - 3) + abs(rate - 0.01)


def carried_out(study: Study, most: int = 100) -> list[dict]:
    """What was chosen in so many trials."""
    chosen = []
    while len(chosen) < most and (trial := study.next()):
        trial.complete(bits(trial.chosen), counts())
        chosen.append(trial.chosen)
    return chosen


def test_a_grid_is_every_combination_once(sweep, tmp_path):
    chosen = carried_out(opened(sweep(GRID), tmp_path))
    expected = itertools.product([1, 2, 3], [0.01, 0.1])
    assert [(c["model.layers"], c["train.learning_rate"]) for c in chosen] == list(expected)
    study = opened(sweep(GRID), tmp_path)
    assert study.next() is None
    assert study.best()["chosen"] == {"model.layers": 3, "train.learning_rate": 0.01}


@pytest.mark.parametrize("text", [GRID, SEARCH, SEARCH.replace("tpe", "random")])
def test_a_killed_sweep_goes_on_with_the_open_trial_as_if_it_had_not_been(sweep, tmp_path, text):
    known = sweep(text, trials=6)
    first = carried_out(opened(known, tmp_path), 2)
    open_trial = _open[-1].next()  # never told
    open_trial.watch(0.3, line(30, 3.0))
    resumed = opened(known, tmp_path)
    rest = carried_out(resumed)
    assert rest[0] == open_trial.chosen
    assert first + rest == carried_out(opened(known, tmp_path / "unbroken"))
    assert len(resumed.done()) == 6


def test_two_processes_are_not_at_one_sweep(sweep, tmp_path):
    known = sweep(GRID)
    config = known.variant({"paths.data": str(tmp_path)})
    study = Study(known, config)
    with pytest.raises(UserError, match="the sweep mine is running already"):
        Study(known, config)
    study.close()
    Study(known, config).close()


def test_another_base_is_another_study(sweep, tmp_path):
    known = sweep(GRID)
    carried_out(opened(known, tmp_path))
    other = sweep(GRID, **{"corpus.held_out": 0.2})
    assert len(carried_out(opened(other, tmp_path))) == 6
    faster = sweep(GRID, **{"train.threads": 1})  # changes nothing that is learned
    assert opened(faster, tmp_path).folder.parent == opened(known, tmp_path).folder.parent


def test_whole_numbers_are_drawn_where_the_setting_is_one(sweep, tmp_path):
    text = """
config: sample
search: random
settings:
  train.weight_decay: {low: 0, high: 1}
  model.layers: {low: 1, high: 4}
trials: 8
"""
    chosen = []
    study = opened(sweep(text), tmp_path)
    while trial := study.next():
        chosen.append(trial.chosen)
        trial.complete(2.0, counts())
    assert {type(c["model.layers"]) for c in chosen} == {int}
    assert any(0 < c["train.weight_decay"] < 1 for c in chosen)


def test_settings_that_fit_each_other_in_some_combination_are_accepted(sweep):
    text = "config: sample\nsettings: {model.width: [128, 160], model.heads: [4, 5]}"
    assert sweep(text).max_trials == 4
    with pytest.raises(UserError, match="must be a multiple"):
        sweep(text.replace("[4, 5]", "[4, 7]"))


@pytest.mark.parametrize("search", ["random", "tpe"])
def test_a_search_draws_the_same_whether_or_not_it_is_stopped(sweep, tmp_path, search):
    text = SEARCH.replace("tpe", search)
    unbroken = carried_out(opened(sweep(text, trials=8), tmp_path / "unbroken"))
    stopped = carried_out(opened(sweep(text, trials=3), tmp_path))
    stopped += carried_out(opened(sweep(text, trials=8), tmp_path))  # with a larger budget
    assert stopped == unbroken
    assert len({str(chosen) for chosen in unbroken}) > 5


def test_a_search_looks_where_the_best_are(sweep, tmp_path):
    study = opened(sweep(SEARCH), tmp_path)
    chosen = carried_out(study)
    assert len(chosen) == 25
    late = [c["model.layers"] for c in chosen[10:]]
    assert late.count(3) > len(late) / 2


def test_a_budget_is_not_overrun(sweep, tmp_path):
    assert len(carried_out(opened(sweep(GRID, minutes=3.5), tmp_path / "a"))) == 3  # of a minute
    assert len(carried_out(opened(sweep(GRID, tokens=250_000), tmp_path / "b"))) == 2
    assert len(carried_out(opened(sweep(GRID, trials=4), tmp_path / "c"))) == 4
    assert len(carried_out(opened(sweep(GRID, minutes=100), tmp_path / "a"))) == 3  # the rest


def line(step: int, value: float) -> dict:
    return {"step": step, "tokens": 1000 * step, "seconds": 0.6 * step, BITS: value}


@pytest.mark.parametrize("budget", [{"minutes": 0.7}, {"tokens": 70_000}])
def test_a_budget_that_does_not_hold_one_training_is_told_early(sweep, tmp_path, budget):
    first = opened(sweep(GRID, **budget), tmp_path).next()
    with pytest.raises(UserError, match=r"about (1 minutes|100,000 tokens), the sweep may take"):
        for step in range(0, 16, 5):
            first.watch(step / 100, line(step, 3.0))
    assert len(carried_out(opened(sweep(GRID, minutes=2.5), tmp_path))) == 2  # given more


def test_the_time_before_a_training_is_at_speed_does_not_count_against_a_budget(sweep, tmp_path):
    first = opened(sweep(GRID, minutes=1.2), tmp_path).next()
    for step in range(0, 101, 5):
        first.watch(step / 100, line(step, 3.0) | {"seconds": 12 + 0.6 * step})


def test_what_is_worse_than_most_half_way_is_pruned(sweep, tmp_path):
    study = opened(sweep(GRID), tmp_path)
    for level in (2.0, 2.1, 2.2):
        trial = study.next()
        for step in range(0, 101, 5):
            trial.watch(step / 100, line(step, level + 1 - step / 100))
        trial.complete(level, counts())
    hopeless = study.next()
    with pytest.raises(Pruned, match=r"bits per character at \d+%, most were better"):
        for step in range(0, 101, 5):
            hopeless.watch(step / 100, line(step, 4.0))
    hopeless.prune()
    kept = opened(sweep(GRID, prune=False), tmp_path).next()
    for step in range(0, 101, 5):
        kept.watch(step / 100, line(step, 4.0))
    (pruned,) = (trial for trial in study.done() if trial["state"] == "pruned")
    assert 0 < pruned["steps"] < 100
    assert pruned["tokens"] == 1000 * pruned["steps"]
    assert pruned["best_estimate"] == 4.0


def test_the_best_is_a_configuration_and_all_are_in_the_table_and_the_picture(sweep, tmp_path):
    known = sweep(GRID)
    study = opened(known, tmp_path)
    carried_out(study, 4)
    study.next().fail("the held-out loss diverges at step 4: lower train.learning_rate")
    trial = study.next()
    trial.watch(0.5, line(50, 3.5))
    trial.prune()
    write_sweep(known, study.done(), study.folder)
    rows = (study.folder / TABLE).read_text().splitlines()[2:]
    assert len(rows) == 6
    assert [row.split(" | ")[0].strip("| ") for row in rows[-2:]] == [
        "pruned at 3.5000",
        "failed: the held-out loss diverges at step 4",
    ]
    figures = [float(row.split(" | ")[0].strip("| ")) for row in rows[:4]]
    assert figures == sorted(figures)
    assert (study.folder / PICTURE).read_bytes().startswith(b"\x89PNG")
    config = load_config(str(study.folder / BEST))
    best = study.best()["chosen"]
    assert config.name == "sample"
    assert (config.model.layers, config.train.learning_rate) == tuple(best.values())
    assert config.train.max_steps == 100


def test_the_baselines_stand_below_the_table_with_a_range_where_trials_differ(sweep, tmp_path):
    known = sweep(GRID)
    study = opened(known, tmp_path)
    study.next().complete(2.0, counts())  # of a sweep without baselines
    for ngram in (1.894, 1.9012):
        study.next().complete(2.0, counts(), {"n-gram (order 4)": ngram, "PPMd (order 12)": 1.88})
    write_sweep(known, study.done(), study.folder)
    last = (study.folder / TABLE).read_text().splitlines()[-1]
    figures = "n-gram (order 4): 1.894 to 1.901 · PPMd (order 12): 1.880"
    assert last == f"Baselines, in bits per character: {figures}"
    assert (study.folder / PICTURE).read_bytes().startswith(b"\x89PNG")


def test_baselines_do_not_make_another_study(sweep, tmp_path):
    known = sweep(GRID)
    folder = opened(known, tmp_path).folder
    _open.pop().close()
    without = known.variant({"paths.data": str(tmp_path), "baselines.ppmd": 0})
    _open.append(Study(known, without))
    assert _open[-1].folder == folder


def test_changes_on_the_command_line_are_the_sweeps_or_of_all_trainings(sweep):
    known = sweep(GRID, minutes=5, **{"model.layers": 7, "train.max_steps": 9})
    assert (known.minutes, known.changes) == (5, {"train.max_steps": 9, "model.layers": 7})
    assert list(known.settings) == ["train.learning_rate"]
    config = known.variant({"train.learning_rate": 0.5})
    assert (config.model.layers, config.train.max_steps, config.train.learning_rate) == (7, 9, 0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("model.layers", "model.layer"), "model.layer is no setting; did you mean 'layers'"),
        (("[1, 2, 3]", "[1, 2, 300]"), "model.layers is 300"),
        (("[1, 2, 3]", "[]"), "model.layers has no values"),
        (("[1, 2, 3]", "[1, 2, 1]"), "model.layers has a value twice"),
        (("[0.01, 0.1]", "{low: 1, high: 2}"), "a grid needs a list"),
        (("config: sample", "config: smaple"), "'smaple' is unknown; did you mean 'sample'"),
        (("config: sample", "config: sample\ntrails: 3"), "trails"),
        (("config: sample", "config: sample\nsearch: gird"), "search"),
        (("max_steps: 100", "max_steps: 0"), "train.max_steps is 0"),
    ],
)
def test_a_wrong_sweep_is_told_in_one_line_before_anything_runs(sweep, change, message):
    with pytest.raises(UserError) as refused:
        sweep(GRID.replace(*change))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in Path("conf/sweeps").glob("*.yaml")) or ["none"]
)
def test_every_sweep_that_comes_with_the_project_loads(name):
    assert load_sweep(name).name == name


def test_a_file_that_is_no_sweep_is_told(sweep):
    with pytest.raises(UserError, match="is not YAML"):
        sweep("config: [")
    with pytest.raises(UserError, match="did you mean 'shape'"):
        load_sweep("shpae")
