"""Generations: each model taught by the one before, an artifact of its own, resumed anywhere."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from femtogpt.artifacts.again import made_again
from femtogpt.artifacts.artifact import Artifact
from femtogpt.cli import main
from femtogpt.config import Config
from femtogpt.errors import Stopped, UserError
from femtogpt.pipeline_stages import stages_of
from femtogpt.training.generations import generation, stage_name
from femtogpt.training.settings import resolve
from femtogpt.training.training_stage import recipe
from tests.helpers import config, listed
from tests.pipelines import Pipeline, lines_of, training_processes
from tests.test_training_longer import Trainings, steps_of, trainings
from tests.tiny import outcome, repetitive, shape

__all__ = ["trainings"]  # the fixture
TRAIN = {"batch_size": 4, "evaluate_every": 10, "checkpoint_every": 5, "sample_every": 0}


def several(count: int, max_steps: int = 20, **train) -> Config:
    train = {**TRAIN, "generations": count, "max_steps": max_steps, "device": "cpu", **train}
    sources = {"one": listed({"a": "а"}), "two": listed({"b": "б"})}
    return config(sources, model=shape(dropout=0.1), train={"precision": "float32", **train})


def make(
    trainings: Trainings, config: Config, stop: dict[int, int] | None = None
) -> list[Artifact]:
    """Train the generations in turn, as the pipeline does; ``stop``: number to steps."""
    made: list[Artifact] = []
    for number in range(1, config.train.generations + 1):
        own = generation(config, number, made[-1].path if made else None)
        settings = resolve(own, trainings.tokens)
        steps = (stop or {}).get(number)
        made.append(trainings.run(settings, steps, name=stage_name(number, config)))
    return made


def test_each_is_an_artifact_and_is_found_again(trainings):
    runs = make(trainings, several(3))
    assert len({run.path for run in runs}) == 3 and trainings.steps == 60
    assert [run.manifest["stage"] for run in runs] == ["generation 1", "generation 2", "run"]
    assert len({outcome(run.path)[1] for run in runs}) == 3
    assert make(trainings, several(3)) == runs
    assert make(trainings, several(2)) == runs[:2]
    assert trainings.steps == 60
    assert make(trainings, several(4))[:3] == runs
    assert trainings.steps == 80


def test_the_first_is_the_training_without_generations(trainings):
    (plain,) = make(trainings, several(1))
    assert make(trainings, several(2, teacher_share=0.8))[0] == plain
    assert trainings.steps == 40


@pytest.fixture(scope="module")
def three_unbroken(tmp_path_factory) -> list[tuple[str, tuple[list[dict], bytes]]]:
    """What three generations leave that nothing interrupts."""
    folder = tmp_path_factory.mktemp("three")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("femtogpt.training.progress_samples.TOKENIZER_FILE", "none")
        runs = make(Trainings(folder / "data", repetitive(folder / "tokens")), several(3))
    return [(run.digest, outcome(run.path)) for run in runs]


@pytest.mark.parametrize("stops", [[{1: 7}], [{2: 0}], [{2: 7}, {2: 5}, {3: 19}]], ids=str)
def test_stopped_between_or_within_generations_they_end_as_if_they_had_not(
    trainings, three_unbroken, stops
):
    for stop in stops:
        with pytest.raises(Stopped):
            make(trainings, several(3), stop)
    runs = make(trainings, several(3))
    assert trainings.steps == 60
    assert [(run.digest, outcome(run.path)) for run in runs] == three_unbroken


def test_with_more_steps_the_first_goes_on_and_those_after_it_begin_anew(trainings):
    make(trainings, several(2))
    longer = make(trainings, several(2, 36))
    assert trainings.steps == 40 + 16 + 36
    assert [steps_of(run.path) for run in longer] == [list(range(1, 37))] * 2
    assert make(trainings, several(2, 36)) == longer


def test_asked_for_again_each_is_trained_anew(trainings):
    first = make(trainings, several(2))
    with made_again(["train"]):
        again = make(trainings, several(2))
    assert trainings.steps == 80
    assert not {run.path for run in first} & {run.path for run in again}
    assert make(trainings, several(2)) == again


def test_the_pipeline_as_data_has_a_stage_for_each(trainings):
    runs = make(trainings, several(3))
    stages = [stage for stage in stages_of(several(3), trainings.store) if stage.kind == "run"]
    assert [stage.name for stage in stages] == ["generation 1", "generation 2", "run"]
    made = {"tokens": trainings.artifact}
    for stage, run in zip(stages, runs, strict=True):
        inputs = {name: made[name] for name in stage.needs}
        assert trainings.store.find(stage.recipe(inputs)) == run
        made[stage.name] = run


def test_where_one_training_is_wanted_several_are_refused(trainings):
    with pytest.raises(UserError, match=r"set train\.generations=1 here"):
        resolve(several(2), trainings.tokens)


def test_a_given_teacher_teaches_the_first(trainings):
    (teacher,) = make(trainings, several(1))
    first, second = make(trainings, several(2, teacher=str(teacher.path)))
    settings = resolve(generation(several(2, teacher=str(teacher.path)), 1, None), trainings.tokens)
    assert settings.teacher["path"] == str(teacher.path)
    assert trainings.store.find(recipe(settings, trainings.artifact)) == first
    assert len({teacher.path, first.path, second.path}) == 3


def await_generation(pipeline: Pipeline, finished: int, steps: int, process) -> None:
    """Wait until so many generations are finished, and the next one has done so many steps."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        done = len([*(pipeline.data / "run").glob("[!.]*/manifest.json")])
        if done >= finished:
            return pipeline.await_steps(steps, process)
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    raise AssertionError(f"{finished} generations were not finished")


@pytest.mark.slow
def test_a_pipeline_of_generations_that_is_stopped_goes_on(tmp_path, with_server, capsys):
    pipeline = Pipeline(tmp_path, with_server)
    overrides = ["train.generations=3", "train.max_steps=120"]
    process = pipeline.start(*overrides)
    await_generation(pipeline, 1, 30, process)
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "Traceback" not in output and not training_processes(tmp_path)

    done = pipeline.run(*overrides)
    assert done.returncode == 0, done.stderr
    assert "going on from the checkpoint at step" in done.stderr
    assert lines_of(done.stderr, "made")[:2] == ["generation 2", "run"]
    client, runs = pipeline.mlflow_runs()
    (parent,) = (run for run in runs if run.info.run_name.startswith("generations"))
    children = {
        run.info.run_name: run
        for run in runs
        if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id
    }
    assert {*children} == {"generation 1", "generation 2", "generation 3"}
    assert {run.info.status for run in runs} == {"FINISHED"}
    for run in children.values():
        history = client.get_metric_history(run.info.run_id, "train_loss")
        assert [point.step for point in history] == list(range(1, 121))
    name = "generations/held_out_bits_per_character_estimate"
    steps = [point.step for point in client.get_metric_history(parent.info.run_id, name)]
    assert steps == [1, 2, 3]
    last = children["generation 3"].data
    assert "evaluation/held_out_bits_per_character" in last.metrics
    assert "evaluation/held_out_bits_per_character" not in children["generation 1"].data.metrics
    taught_by = Path(last.params["train.teacher"]).name
    assert taught_by == children["generation 2"].data.tags["femtogpt.run"]

    again = pipeline.run(*overrides)
    assert again.returncode == 0, again.stderr
    assert lines_of(again.stderr, "made") == []
    assert {"generation 1", "generation 2", "run"} <= {*lines_of(again.stderr, "up to date")}
    # What MLflow lacks is sent again: the last generation alone, then all of them.
    (record,) = (
        file
        for file in (pipeline.data / "tracking").glob("*.json")
        if json.loads(file.read_text())["name"] == "generation 3"
    )
    for gone in (record, pipeline.mlruns / "mlflow.db"):
        gone.unlink()
        assert lines_of(pipeline.run(*overrides).stderr, "made") == []
        _, runs = pipeline.mlflow_runs()
        assert [run.info.status for run in runs] == ["FINISHED"] * 4
    paths = [f"paths.data={pipeline.data}", f"paths.mlruns={pipeline.mlruns}"]
    capsys.readouterr()
    assert main(["why", "--config", str(pipeline.config), "--set", *overrides, *paths]) == 0
    assert "would" not in capsys.readouterr().out
    overrides[1] = "train.max_steps=140"
    main(["why", "train", "--config", str(pipeline.config), "--set", *overrides, *paths])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("generation 1: would be made, because")
    assert lines[1].startswith("generation 2: would be made")
    assert "generation 1 would be made again" in lines[1]
    assert "generation 2 would be made again" in lines[2]
