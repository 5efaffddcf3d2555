"""From where texts lie to their bytes here."""

from __future__ import annotations

from femtogpt.artifacts.artifact import Artifact
from femtogpt.config import Config
from flows.lifecycle import flow_of
from tasks import stages


def ingested(config: Config) -> dict[str, Artifact]:
    """The artifact of each source's bytes."""
    return {name: stages.fetch_source(config, name) for name in config.sources}


ingest = flow_of(ingested, "ingest", "Fetch the sources, the newest version of each.")
