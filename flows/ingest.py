"""From where texts lie to their bytes here."""

from __future__ import annotations

from prefect import State, flow

from femtogpt.artifact import Artifact
from femtogpt.config import Config
from flows.parameters import NOTHING, Archive, Name, Settings
from flows.running import name, run
from tasks import stages


def ingested(config: Config) -> dict[str, Artifact]:
    """The artifact of each source's bytes."""
    return {name: stages.fetch_source(config, name) for name in config.sources}


@flow(name="ingest", flow_run_name=name)
def ingest(
    config: Name = "sample", settings: Settings = NOTHING, archive: Archive = None
) -> dict[str, Artifact] | State:
    """Fetch the sources, the newest version of each.

    Args:
        config: A configuration's name in conf/, or the path of a YAML file.
        settings: What to change in it; a field that is left out stays as it is there.
        archive: A copy of the Kaggle dataset on disk, instead of a download.
    """
    return run(ingested, config, settings, archive)
