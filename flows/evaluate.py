"""From a model to what it is worth."""

from __future__ import annotations

from femtogpt.artifacts.artifact import Artifact
from femtogpt.config import Config
from flows.lifecycle import flow_of
from flows.train import trained
from tasks import stages


def evaluated(config: Config) -> dict[str, Artifact]:
    """All artifacts up to the evaluation and the samples."""
    artifacts = trained(config)
    tokens, model = artifacts["tokens"], artifacts["run"]
    evaluation = stages.evaluation(config, tokens, model)
    samples = stages.samples(config, tokens, model)
    return {**artifacts, "evaluation": evaluation, "samples": samples}


evaluate = flow_of(
    evaluated,
    "evaluate",
    "Measure the model on held-out works and have it write; what it needs is made first.",
)
