"""Damaged artifacts: refused in one line where they are shown, mended by what is whole of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from femtogpt.artifacts.artifact import MANIFEST, fault_of, read_manifest, refuse_damaged
from femtogpt.artifacts.lookup import find, made_from, made_of, named_in
from femtogpt.commands.run_list import runs
from femtogpt.errors import Damaged, UserError
from femtogpt.evaluation.around_run import around
from femtogpt.training.checkpoint import find_newest
from femtogpt.training.initialization import teacher_origin, weights_file
from tests.made_run import MadeRun
from tests.test_training_longer import Trainings, steps_of, trainings
from tests.tiny import outcome, settings

__all__ = ["trainings"]  # the fixture
STEPS = settings(max_steps=20, keep_checkpoints=2)


def flip(file: Path, place: int = -2) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 4
    file.write_bytes(content)


def empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.fixture
def data(tmp_path) -> Path:
    """A run with all that is made around it."""
    MadeRun().facts(tmp_path)
    return tmp_path


def only(data: Path, kind: str) -> Path:
    (folder,) = (data / kind).iterdir()
    return folder


def test_a_figure_that_changed_in_a_manifest_is_not_read(data):
    file = only(data, "run") / MANIFEST
    text = file.read_text("utf-8")
    assert '"parameters": 5260000' in text
    file.write_text(text.replace('"parameters": 5260000', '"parameters": 5250000'), "utf-8")
    with pytest.raises(ValueError, match="does not match its checksum"):
        read_manifest(file.parent)
    assert [run.parameters for run in runs(data)] == [None]


@pytest.mark.parametrize("damage", [flip, empty, Path.unlink], ids=["flipped", "emptied", "gone"])
@pytest.mark.parametrize("kind", ["corpus", "tokens", "evaluation", "samples", "ngram", "ppmd"])
def test_what_is_found_beside_a_run_is_whole_or_refused_in_one_line(data, kind, damage):
    file = next(file for file in sorted(only(data, kind).rglob("*.json")) if file.name != MANIFEST)
    damage(file)
    with pytest.raises(Damaged) as refused:
        around(only(data, "run"))
    line = str(refused.value)
    assert file.name in line and "make pipeline" in line and "\n" not in line


def test_what_a_command_is_given_is_whole(data):
    run, tokens = only(data, "run"), only(data, "tokens")
    artifact = find("run", str(run), data)
    flip(tokens / "index.json")
    for look in (lambda: find("tokens", None, data), lambda: made_from(artifact, "tokens", data)):
        with pytest.raises(Damaged, match=r"index\.json does not match its checksum"):
            look()
    assert named_in(artifact, "tokens", data).path == tokens  # by its manifest alone
    flip(only(data, "evaluation") / "evaluation.json")
    with pytest.raises(Damaged):
        made_of(artifact, "evaluation", data)


@pytest.mark.parametrize("damage", [flip, empty])
def test_a_run_with_damaged_settings_is_left_out_of_the_list_of_runs(data, damage, caplog):
    copy = shutil.copytree(only(data, "run"), data / "run/copy")
    damage(copy / "settings.json")
    assert [run.name for run in runs(data)] == ["run/run-folder"]
    (line,) = caplog.messages
    assert "run/copy" in line and "make pipeline" in line


# a finished training


@pytest.fixture
def run(trainings: Trainings) -> Path:
    return trainings.run(STEPS).path


# The rate rises to the last step: what is learned half-way is undone, on every machine.
WORSE_IN_THE_END = {"muon_learning_rate": 1.0, "learning_rate": 1.0, "warmup": 1.0, "decay": 0.0}
WORSE_IN_THE_END |= {"evaluate_every": 2}
SPARE = ("settings.json", "machine.json", "checkpoints/00000015/state.safetensors")


@pytest.mark.parametrize("file", [*SPARE, "model.safetensors", "metrics.jsonl"])
@pytest.mark.parametrize("damage", [flip, Path.unlink], ids=["flipped", "gone"])
def test_a_damaged_run_becomes_what_it_was_and_no_damage_gets_a_checksum(
    trainings, run, file, damage
):
    before, whole = outcome(run), {path: path.read_bytes() for path in run.rglob("*.*")}
    del whole[run / MANIFEST]
    damage(run / file)
    assert trainings.run(STEPS).path == run
    assert outcome(run) == before and fault_of(run) is None
    for path, content in whole.items():
        if path.is_file() and path.name not in ("metrics.jsonl", "checkpoint.json"):
            assert path.read_bytes() == content
    newest = find_newest(run)
    assert newest is not None and newest[1]["step"] == 20
    assert trainings.steps == 20


def test_a_spare_copy_that_is_damaged_does_not_change_the_model(trainings):
    """The best weights are among the checkpoints, and the final ones a copy of them."""
    rising = settings(max_steps=40, **WORSE_IN_THE_END)
    run = trainings.run(rising).path
    best = run / "checkpoints/best/model.safetensors"
    weights = (run / "model.safetensors").read_bytes()
    assert best.read_bytes() == weights, "the best weights are not the last"
    flip(best)
    trainings.run(rising)
    assert (run / "model.safetensors").read_bytes() == weights
    assert not best.exists() and steps_of(run) == list(range(1, 41))


@pytest.mark.parametrize("file", ["checkpoint.json", "model.safetensors"])
def test_a_training_that_is_raised_takes_no_damaged_weights_over(trainings, file):
    run = trainings.run(settings(max_steps=40, **WORSE_IN_THE_END)).path
    empty(run / "checkpoints/best" / file)
    longer = trainings.run(settings(max_steps=44, **WORSE_IN_THE_END)).path
    assert steps_of(longer) == list(range(1, 45)) and trainings.steps == 44


def test_a_run_that_was_killed_before_it_got_its_name_is_not_trained_again(trainings, run):
    run.rename(run.with_name(f".{run.name}.partial"))
    assert trainings.run(STEPS).path == run
    assert trainings.steps == 20


def test_a_checkpoint_that_a_killed_process_half_removed_is_no_part_of_the_run(trainings, run):
    half = run / "checkpoints/00000010"
    half.mkdir()
    (half / "model.safetensors").write_bytes(b"half")
    (run / "checkpoints/.partial").mkdir()
    (run / MANIFEST).unlink()
    run.rename(run.with_name(f".{run.name}.partial"))
    assert trainings.run(STEPS).path == run
    kept = sorted(path.name for path in (run / "checkpoints").iterdir())
    assert [name for name in kept if name != "best"] == ["00000015", "00000020"]


def test_nothing_is_trained_on_damaged_weights(run):
    checkpoint = run / "checkpoints/00000020"
    assert weights_file(checkpoint) == checkpoint / "model.safetensors"
    flip(checkpoint / "model.safetensors")
    for look in (weights_file, teacher_origin):
        with pytest.raises(Damaged, match="make pipeline to mend it"):
            look(run)
    with pytest.raises(UserError, match=r"the checkpoint .* is damaged"):
        weights_file(checkpoint)
    (checkpoint / "checkpoint.json").write_text(json.dumps({}))
    with pytest.raises(UserError, match=r"the checkpoint .* is damaged"):
        weights_file(checkpoint)
    refuse_damaged(checkpoint)  # it is no artifact
