"""From token shards to a model."""

from __future__ import annotations

from femtogpt.artifacts.artifact import Artifact
from femtogpt.config import Config
from flows.lifecycle import flow_of
from flows.prepare import prepared
from tasks import stages


def trained(config: Config) -> dict[str, Artifact]:
    """The artifacts up to the run: settings, weights, checkpoints and metrics."""
    artifacts = prepared(config)
    return {**artifacts, "run": stages.train(config, artifacts["tokens"])}


train = flow_of(
    trained, "train", "Train, going on from the last checkpoint; what it needs is made first."
)
