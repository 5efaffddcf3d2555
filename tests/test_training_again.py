"""A training that a person asks for again, beside raised trainings and those of sweeps."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest

from femtogpt.artifacts.again import made_again
from femtogpt.artifacts.artifact import Artifact
from femtogpt.errors import Stopped
from femtogpt.training.settings import TrainingSettings
from femtogpt.training.training_stage import continued, recipe
from tests.test_training_longer import Trainings, outcome, steps_of, trainings
from tests.tiny import settings

__all__ = ["trainings"]  # the fixture
NOT_FINISHED = ("it is not finished",)


def again(trainings: Trainings, steps: int, after: int | None = None) -> Artifact | None:
    """Ask for a training again, in a command of its own; None if it is stopped ``after`` steps."""
    with made_again(["train"]), nullcontext() if after is None else pytest.raises(Stopped):
        return trainings.run(settings(max_steps=steps), after)
    return None


def stop(trainings: Trainings, steps: int, after: int, **how) -> None:
    with pytest.raises(Stopped):
        trainings.run(settings(max_steps=steps), after, **how)


def reasons(trainings: Trainings, steps: int) -> tuple[str, ...] | None:
    """Why a training would run, as ``femtogpt why`` finds it; None if it would not."""
    own, _ = continued(trainings.store, settings(max_steps=steps), trainings.artifact)
    state = trainings.store.state(recipe(own, trainings.artifact), "run", resumable=True)
    return None if state.artifact else state.reasons


def continuations(run: Path) -> list[int]:
    own = TrainingSettings.model_validate_json((run / "settings.json").read_bytes())
    return [continuation.step for continuation in own.continuations]


@pytest.fixture
def raised(trainings) -> Artifact:
    """A training of 20 steps, raised to 36."""
    trainings.run(settings(max_steps=20))
    return trainings.run(settings(max_steps=36))


def test_a_raised_training_that_is_asked_for_again_is_trained_from_the_start(trainings, raised):
    new = again(trainings, 36)
    assert trainings.steps == 36 + 36
    assert new.path != raised.path and raised.path.exists()
    assert continuations(new.path) == [] and steps_of(new.path) == list(range(1, 37))
    # From now on the new one is found, even if the one that the old one continued is gone.
    assert trainings.run(settings(max_steps=36)) == new
    shutil.rmtree(
        next(path for path in new.path.parent.iterdir() if path not in (new.path, raised.path))
    )
    assert trainings.run(settings(max_steps=36)) == new
    assert reasons(trainings, 36) is None
    assert trainings.steps == 36 + 36


@pytest.mark.parametrize("after", [pytest.param(0, marks=pytest.mark.slow), 9, 25])
@pytest.mark.parametrize("same_command", [False, True])
def test_it_is_resumed_from_its_own_steps(trainings, raised, unbroken, after, same_command):
    again(trainings, 36, after)
    assert reasons(trainings, 36) == NOT_FINISHED
    new = again(trainings, 36) if same_command else trainings.run(settings(max_steps=36))
    assert trainings.steps == 36 + 36
    assert reasons(trainings, 36) is None
    assert outcome(new.path) == unbroken(settings(max_steps=36))


def test_each_time_it_is_asked_for_there_is_one_more(trainings):
    runs = {trainings.run(settings()).path, again(trainings, 20).path, again(trainings, 20).path}
    assert len(runs) == 3 and trainings.steps == 60
    assert all((run / "model.safetensors").exists() for run in runs)


def test_what_is_raised_afterwards_goes_on_from_the_new_one(trainings):
    old = trainings.run(settings(max_steps=20))
    new = again(trainings, 20)
    longer = trainings.run(settings(max_steps=36))
    assert continuations(longer.path) == [20] and trainings.steps == 20 + 36
    first_lines = [(run.path / "metrics.jsonl").read_text().split("\n")[0] for run in (new, longer)]
    assert first_lines[0] == first_lines[1]  # with its time, which differs from the old one's
    assert first_lines[0] != (old.path / "metrics.jsonl").read_text().split("\n")[0]


def test_what_is_raised_while_the_new_one_is_half_finished_goes_on_from_that(trainings):
    trainings.run(settings(max_steps=20))
    again(trainings, 20, 9)
    longer = trainings.run(settings(max_steps=36))
    assert continuations(longer.path) == [9] and trainings.steps == 20 + 36


def test_what_a_new_one_replaces_is_not_continued(trainings, raised):
    again(trainings, 36, 9)
    longest = trainings.run(settings(max_steps=50))
    assert continuations(longest.path) == [20]  # the shorter one was not asked for again
    trainings.run(settings(max_steps=36))
    longest = trainings.run(settings(max_steps=60))
    assert continuations(longest.path) in ([36], [20, 50])


def test_without_the_new_one_the_old_one_is_found(trainings):
    old = trainings.run(settings())
    new = again(trainings, 20)
    shutil.rmtree(new.path)
    assert reasons(trainings, 20) is None
    assert trainings.run(settings()) == old
    assert trainings.steps == 40


def test_a_sweep_trains_from_the_start_and_leaves_the_raised_one(trainings, raised):
    stop(trainings, 36, 9, fresh=True)  # a trial that is ended early
    assert reasons(trainings, 36) is None
    assert trainings.run(settings(max_steps=36)) == raised
    assert trainings.steps == 36 + 9
    fresh = trainings.run(settings(max_steps=36), fresh=True)
    assert continuations(fresh.path) == [] and trainings.steps == 36 + 36


def test_a_sweep_takes_the_training_that_a_person_asked_for_again(trainings):
    trainings.run(settings())
    new = again(trainings, 20)
    assert trainings.run(settings(), fresh=True) == new
    assert trainings.steps == 40


def test_what_a_sweep_left_goes_on(trainings):
    stop(trainings, 20, 9, fresh=True)
    assert reasons(trainings, 20) == NOT_FINISHED
    longer = trainings.run(settings(max_steps=36))
    assert continuations(longer.path) == [9] and trainings.steps == 36


@pytest.mark.parametrize(("weights", "steps"), [("lost", 36 + 16), ("there", 36)])
def test_a_raised_training_whose_checkpoints_are_lost_takes_them_over_if_it_needs_them(
    trainings, raised, weights, steps
):
    shutil.rmtree(raised.path / "checkpoints")
    if weights == "lost":
        (raised.path / "model.safetensors").unlink()
    assert "checkpoints" in reasons(trainings, 36)[0]
    mended = trainings.run(settings(max_steps=36))
    assert trainings.steps == steps
    assert mended.path == raised.path and continuations(mended.path) == [20]
