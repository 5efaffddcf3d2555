"""From token shards to a model that was judged."""

from __future__ import annotations

from prefect import flow

from femtogpt.artifact import Artifact
from femtogpt.config import Config
from tasks import stages


@flow(name="train")
def train(config: Config, tokens: Artifact) -> dict[str, Artifact]:
    """Train, evaluate and have it write: the artifacts run, evaluation and samples."""
    run = stages.train(config, tokens)
    evaluation = stages.evaluation(config, tokens, run)
    samples = stages.samples(config, tokens, run)
    return {"run": run, "evaluation": evaluation, "samples": samples}
