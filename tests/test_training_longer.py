"""A training whose length is raised goes on from what is trained, and trains nothing twice."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.disk import file_digest
from femtogpt.artifacts.store import Store
from femtogpt.errors import Stopped, UserError
from femtogpt.training.checkpoint import find_newest
from femtogpt.training.loop import train
from femtogpt.training.schedule import Schedule
from femtogpt.training.settings import Continuation, ResolvedTrainConfig, TrainingSettings
from femtogpt.training.state_file import load_state
from femtogpt.training.training_stage import run_training
from tests.tiny import TEXT, Tokens, course, outcome, samples, settings, stop_after


class Trainings:
    """Trainings in one store, each with the number of steps that its loop ran."""

    def __init__(self, folder: Path, tokens: Tokens):
        self.store, self.tokens = Store(folder), tokens
        (tokens.folder / "tokenizer.model").touch()
        self.steps = 0
        self.artifact = Artifact(tokens.folder, "tokens", "tokens", "tokens", {})

    def run(self, settings: TrainingSettings, stop: int | None = None, **how) -> Artifact:
        def work(run: Path, shards: Path) -> None:
            own = TrainingSettings.model_validate_json((run / "settings.json").read_bytes())
            newest = find_newest(run)
            before = newest[1]["step"] if newest else 0
            try:
                train(own, self.tokens, run, stop_after(10**9 if stop is None else stop))
            finally:
                newest = find_newest(run)
                self.steps += (newest[1]["step"] if newest else 0) - before

        return run_training(self.store, settings, self.artifact, work, **how)


@pytest.fixture
def trainings(tmp_path, tokens, monkeypatch):
    # The shards have no tokenizer: nothing is sampled.
    monkeypatch.setattr("femtogpt.training.progress_samples.TOKENIZER_FILE", "none")
    return Trainings(tmp_path / "data", tokens)


def steps_of(run: Path) -> list[int]:
    return [line["step"] for line in course(run) if "train_loss" in line]


def evaluations_of(run: Path) -> dict[int, float]:
    return {line["step"]: line["held_out_loss"] for line in course(run) if "held_out_loss" in line}


def rates(run: Path) -> list[float]:
    return [line["learning_rate/muon"] for line in course(run) if "train_loss" in line]


def files(run: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


@pytest.mark.parametrize("changes", [{}, {"ema": 0.9}, {"optimizer": "adamw"}], ids=str)
def test_a_finished_training_goes_on_where_it_ended(trainings, changes):
    short = trainings.run(settings(max_steps=20, **changes))
    before = files(short.path)
    longer = trainings.run(settings(max_steps=36, **changes))
    assert trainings.steps == 36
    assert steps_of(longer.path) == list(range(1, 37))
    assert course(longer.path)[: len(course(short.path))] == course(short.path)
    assert files(short.path) == before
    assert longer.counts["steps"] == 36
    # Both are found from now on, and nothing is trained.
    for length, artifact in [(20, short), (36, longer)]:
        assert trainings.run(settings(max_steps=length, **changes)) == artifact
    assert trainings.steps == 36


def test_the_rate_rises_again_from_zero_and_falls_at_the_new_end(trainings):
    how = {"warmup": 0.25, "decay": 0.5, "muon_learning_rate": 0.01}
    trainings.run(settings(max_steps=20, **how))
    longer = trainings.run(settings(max_steps=36, **how))
    factors = [rate / 0.01 for rate in rates(longer.path)][20:]
    assert factors[:4] == pytest.approx([0.25, 0.5, 0.75, 1])
    assert factors[4:8] == pytest.approx([1] * 4)
    assert factors[8:] == pytest.approx([left / 8 for left in range(8, 0, -1)])


def test_what_goes_on_is_the_state_of_the_optimizer_too(trainings, tokens, tmp_path):
    """A rate that never falls needs no warm-up: then it is as if nothing had ended."""
    steady = {"decay": 0.0, "warmup": 0.0, "weight_decay": 0.1, "evaluate_every": 4}
    trainings.run(settings(max_steps=20, **steady))
    longer = trainings.run(settings(max_steps=36, **steady))
    unbroken = tmp_path / "unbroken"
    unbroken.mkdir()
    train(settings(max_steps=36, **steady), tokens, unbroken)
    assert outcome(longer.path) == outcome(unbroken)


@pytest.mark.parametrize("stops", [(3,), (0, 9), (16,)], ids=str)
def test_a_longer_training_that_was_stopped_ends_as_if_it_had_not(trainings, tmp_path, stops):
    changes = {"ema": 0.9, "checkpoint_every": 7}
    trainings.run(settings(max_steps=20, **changes))
    for stop in stops:
        if stop < 16:
            with pytest.raises(Stopped):
                trainings.run(settings(max_steps=36, **changes), stop)
    longer = trainings.run(settings(max_steps=36, **changes))
    assert trainings.steps == 36
    other = Trainings(tmp_path / "other", trainings.tokens)
    other.run(settings(max_steps=20, **changes))
    assert outcome(other.run(settings(max_steps=36, **changes)).path) == outcome(longer.path)


def test_a_half_finished_training_goes_on_with_the_rate_that_it_had(trainings, tokens, tmp_path):
    how = {"warmup": 0.0, "decay": 0.5, "weight_decay": 0.1, "evaluate_every": 4}
    with pytest.raises(Stopped):
        trainings.run(settings(max_steps=20, **how), 9)  # before the rate falls
    longer = trainings.run(settings(max_steps=40, **how))
    assert trainings.steps == 40
    factors = [rate / 0.01 for rate in rates(longer.path)]
    assert factors[:25] == pytest.approx([1] * 25)  # the decay's half is of what was added
    assert factors[-1] == pytest.approx(2 / 31)


def test_it_may_be_raised_more_than_once_and_by_epochs(trainings):
    trainings.run(settings(max_steps=20))
    trainings.run(settings(max_steps=30))
    epochs = 48 * 32 / TEXT
    longest = trainings.run(settings(max_steps=None, epochs=epochs))
    assert trainings.steps == 48
    assert steps_of(longest.path) == list(range(1, 49))
    own = TrainingSettings.model_validate_json((longest.path / "settings.json").read_bytes())
    assert [(part.step, part.rate) for part in own.continuations] == [(20, 0), (30, 0)]
    assert trainings.run(settings(max_steps=None, epochs=epochs)) == longest


@pytest.mark.parametrize(
    "changes",
    [
        {"max_steps": 36, "learning_rate": 0.02},
        {"max_steps": 36, "weight_decay": 0.3},
        {"max_steps": 36, "ema": 0.5},
        {"max_steps": 12},
    ],
    ids=str,
)
def test_other_settings_and_fewer_steps_begin_anew(trainings, changes):
    trainings.run(settings(max_steps=20))
    other = trainings.run(settings(**changes))
    assert trainings.steps == 20 + changes["max_steps"]
    assert other.path.exists()


def test_other_tokens_begin_anew_and_so_does_what_is_to_be_fresh(trainings):
    trainings.run(settings(max_steps=20))
    trainings.run(settings(max_steps=36), fresh=True)
    assert trainings.steps == 20 + 36
    trainings.artifact = Artifact(trainings.tokens.folder, "tokens", "other", "other", {})
    trainings.run(settings(max_steps=40))
    assert trainings.steps == 20 + 36 + 40


def test_the_best_weights_of_the_earlier_training_stay_the_best(trainings):
    """Also where everything after them is worse."""
    steep = {"learning_rate": 0.1, "optimizer": "adamw", "decay": 0.0, "weight_decay": 0.0}
    model = {"dropout": 0.0, "width": 32}
    short = trainings.run(settings(model, max_steps=200, evaluate_every=4, **steep))
    longer = trainings.run(settings(model, max_steps=240, evaluate_every=4, **steep))
    best = evaluations_of(short.path)
    assert min(best.values()) < list(best.values())[-1]
    assert min(evaluations_of(longer.path).values()) == min(best.values())
    assert (longer.path / "model.safetensors").read_bytes() == (
        short.path / "model.safetensors"
    ).read_bytes()


def test_a_training_that_patience_ended_goes_on_from_its_end(trainings):
    how = {"learning_rate": 0.1, "optimizer": "adamw", "decay": 0.0, "weight_decay": 0.0}
    model = {"dropout": 0.0, "width": 32}
    short = trainings.run(settings(model, max_steps=400, patience=3, evaluate_every=4, **how))
    end = short.counts["steps"]
    assert end < 400
    longer = trainings.run(settings(model, max_steps=500, patience=3, evaluate_every=4, **how))
    assert steps_of(longer.path) == list(range(1, longer.counts["steps"] + 1))
    assert longer.counts["steps"] >= end + 3 * 4  # patience counts from there on


def test_damaged_checkpoints_are_not_gone_on_from(trainings):
    short = trainings.run(settings(max_steps=20))
    for state in short.path.glob("checkpoints/*/state.safetensors"):
        os.truncate(state, 100)
    longer = trainings.run(settings(max_steps=36))
    assert trainings.steps == 20 + 36
    assert steps_of(longer.path) == list(range(1, 37))


def test_without_the_checkpoint_it_goes_on_from_nothing_is_trained(tokens, run):
    config = settings(max_steps=36)
    at_20 = (Continuation(step=20, rate=0.0),)
    with pytest.raises(UserError, match="no undamaged checkpoint of step 20 or later"):
        train(config.model_copy(update={"continuations": at_20}), tokens, run)


def test_the_sample_at_the_old_end_stays(tmp_path):
    from tests.tiny import readable

    trainings = Trainings(tmp_path / "data", readable(tmp_path / "tokens"))
    how = {"sample_every": 8, "weight_decay": 0.1}
    short = trainings.run(settings(max_steps=18, **how))
    longer = trainings.run(settings(max_steps=36, **how))
    assert samples(short.path).items() <= samples(longer.path).items()
    assert course(longer.path)[: len(course(short.path))] == course(short.path)


def test_a_checkpoint_of_version_0_1_is_resumed(tokens, run, unbroken):
    """It has another file of the state, which calls the sequences of a micro-batch windows."""
    with pytest.raises(Stopped):
        train(settings(), tokens, run, stop_after(7))
    folder, about = find_newest(run)
    state = load_state(folder / "state.safetensors")
    state["windows"] = state.pop("sequences")
    (folder / "state.safetensors").unlink()
    torch.save(state, folder / "state.pt")
    del about["files"]["state.safetensors"]
    about["files"]["state.pt"] = file_digest(folder / "state.pt")
    (folder / "checkpoint.json").write_text(json.dumps(about))
    train(settings(), tokens, run)
    assert outcome(run) == unbroken(settings())


@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.floats(0, 0.5),
    st.floats(0, 0.5),
    st.floats(0, 1),
)
def test_the_rate_of_a_continuation_goes_on_from_where_it_was(before, added, warmup, decay, rate):
    config = ResolvedTrainConfig(
        max_steps=before + added, weight_decay=0, warmup=warmup, decay=decay
    )
    schedule = Schedule(config, (Continuation(step=before, rate=rate),))
    factors = [schedule.factor(step) for step in range(before, before + added)]
    assert all(0 < factor <= 1 for factor in factors)
    top = factors.index(max(factors))
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)
    if top:
        assert factors[0] >= min(rate, factors[top])


def test_a_length_reached_with_other_evaluations_is_reached_again_from_the_shorter_training(
    trainings,
):
    """Evaluations are part of the result: those of the first continuation do not stand for it."""
    trainings.run(settings(max_steps=4))
    trainings.run(settings(max_steps=10, evaluate_every=99))
    assert trainings.steps == 10
    again = trainings.run(settings(max_steps=10, evaluate_every=5))
    assert trainings.steps == 16
    assert set(evaluations_of(again.path)) >= {5, 10}
