"""From a model to what it is worth."""

from __future__ import annotations

from prefect import State, flow

from femtogpt.artifact import Artifact
from femtogpt.config import Config
from flows.parameters import NOTHING, Archive, Name, Settings
from flows.running import name, run
from flows.train import trained
from tasks import stages


def evaluated(config: Config) -> dict[str, Artifact]:
    """All artifacts up to the evaluation and the samples."""
    artifacts = trained(config)
    tokens, model = artifacts["tokens"], artifacts["run"]
    evaluation = stages.evaluation(config, tokens, model)
    samples = stages.samples(config, tokens, model)
    return {**artifacts, "evaluation": evaluation, "samples": samples}


@flow(name="evaluate", flow_run_name=name)
def evaluate(
    config: Name = "sample", settings: Settings = NOTHING, archive: Archive = None
) -> dict[str, Artifact] | State:
    """Measure the model on held-out works and have it write; what it needs is made first.

    Args:
        config: A configuration's name in conf/, or the path of a YAML file.
        settings: What to change in it; a field that is left out stays as it is there.
        archive: A copy of the Kaggle dataset on disk, instead of a download.
    """
    return run(evaluated, config, settings, archive)
