"""From sources to token shards."""

from __future__ import annotations

from prefect import flow

from femtogpt.artifact import Artifact
from femtogpt.config import Config
from tasks import stages


@flow(name="prepare")
def prepare(config: Config) -> dict[str, Artifact]:
    """Fetch, clean, split, and encode: the artifacts corpus, tokenizer and tokens."""
    raws = {name: stages.fetch_source(config, name) for name in config.sources}
    corpus = stages.corpus(config, raws)
    tokenizer = stages.tokenizer(config, corpus)
    tokens = stages.tokens(config, corpus, tokenizer)
    return {"corpus": corpus, "tokenizer": tokenizer, "tokens": tokens}
