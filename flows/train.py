"""From token shards to a model."""

from __future__ import annotations

from prefect import State, flow

from femtogpt.artifact import Artifact
from femtogpt.config import Config
from flows.parameters import NOTHING, Archive, Name, Settings
from flows.prepare import prepared
from flows.running import name, run
from tasks import stages


def trained(config: Config) -> dict[str, Artifact]:
    """The artifacts up to the run: settings, weights, checkpoints and metrics."""
    artifacts = prepared(config)
    return {**artifacts, "run": stages.train(config, artifacts["tokens"])}


@flow(name="train", flow_run_name=name)
def train(
    config: Name = "sample", settings: Settings = NOTHING, archive: Archive = None
) -> dict[str, Artifact] | State:
    """Train, going on from the last checkpoint; what it needs is made first.

    Args:
        config: A configuration's name in conf/, or the path of a YAML file.
        settings: What to change in it; a field that is left out stays as it is there.
        archive: A copy of the Kaggle dataset on disk, instead of a download.
    """
    return run(trained, config, settings, archive)
