"""From sources to token shards."""

from __future__ import annotations

from femtogpt.artifacts.artifact import Artifact
from femtogpt.config import Config
from flows.dask_corpus import cleaned
from flows.ingest import ingested
from flows.lifecycle import flow_of
from tasks import stages


def prepared(config: Config) -> dict[str, Artifact]:
    """The artifacts corpus, tokenizer and tokens."""
    corpus = cleaned(config, ingested(config))
    tokenizer = stages.tokenizer(config, corpus)
    tokens = stages.tokens(config, corpus, tokenizer)
    return {"corpus": corpus, "tokenizer": tokenizer, "tokens": tokens}


prepare = flow_of(prepared, "prepare", "Fetch, clean, split and encode what is not up to date.")
