"""From sources to token shards."""

from __future__ import annotations

from prefect import State, flow

from femtogpt.artifact import Artifact
from femtogpt.config import Config
from flows.ingest import ingested
from flows.parameters import NOTHING, Archive, Name, Settings
from flows.running import name, run
from tasks import stages


def prepared(config: Config) -> dict[str, Artifact]:
    """The artifacts corpus, tokenizer and tokens."""
    corpus = stages.corpus(config, ingested(config))
    tokenizer = stages.tokenizer(config, corpus)
    tokens = stages.tokens(config, corpus, tokenizer)
    return {"corpus": corpus, "tokenizer": tokenizer, "tokens": tokens}


@flow(name="prepare", flow_run_name=name)
def prepare(
    config: Name = "sample", settings: Settings = NOTHING, archive: Archive = None
) -> dict[str, Artifact] | State:
    """Fetch, clean, split and encode what is not up to date.

    Args:
        config: A configuration's name in conf/, or the path of a YAML file.
        settings: What to change in it; a field that is left out stays as it is there.
        archive: A copy of the Kaggle dataset on disk, instead of a download.
    """
    return run(prepared, config, settings, archive)
