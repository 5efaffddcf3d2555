"""The training of a pipeline: one model, or several, each of them taught by the one before."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from femtogpt.artifacts.artifact import Artifact
from femtogpt.config import Config
from femtogpt.training.generations import generation, stage_name
from flows.lifecycle import outcome
from tasks import stages
from tasks.mlflow_generations import MLflowGenerations
from tasks.mlflow_run import MLflowRun

log = logging.getLogger("femtogpt.generations")


def train_generations(
    config: Config, artifacts: Mapping[str, Artifact], mlflow_run: MLflowRun
) -> Artifact:
    """Train what is not up to date of all generations; gives the run of the last one.

    Each has an MLflow run below a common one; ``mlflow_run`` is the last one's.
    """
    if config.train.generations == 1:
        return stages.train(generation(config, 1, None), artifacts["tokens"], mlflow_run)
    mlflow_run.parent = parent = MLflowGenerations(config)  # so that it ends with the last one
    teacher: Path | None = None
    for number in range(1, config.train.generations + 1):
        run = _train(config, number, teacher, artifacts, mlflow_run, parent)
        teacher = run.path
    return run


def _train(
    config: Config,
    number: int,
    teacher: Path | None,
    artifacts: Mapping[str, Artifact],
    last_run: MLflowRun,
    parent: MLflowGenerations,
) -> Artifact:
    """Train one generation, and record it unless it is the last one, which is evaluated first."""
    count = config.train.generations
    log.info("generation %d of %d", number, count)
    own, name = generation(config, number, teacher), f"generation {number}"
    if is_last := number == count:
        last_run.place(own, name, parent)
    mlflow_run = last_run if is_last else MLflowRun(own, name, parent)
    task = stages.train.with_options(task_run_name=f"train {name}")
    try:
        run: Artifact = task(own, artifacts["tokens"], mlflow_run, stage_name(number, config))
        if not is_last:
            stages.record(own, {**artifacts, "run": run}, mlflow_run)
    except BaseException as error:
        mlflow_run.end(*outcome(error))
        raise
    parent.log_generation(number, run)
    return run
