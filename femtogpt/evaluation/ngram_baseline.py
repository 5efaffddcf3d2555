"""The n-gram baseline: how well counting the tokenizer's pieces predicts held-out text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.store import Store
from femtogpt.config import Config
from femtogpt.evaluation.baseline import NGRAM, Baseline, Tally


def score_ngram(store: Store, config: Config, tokens: Artifact) -> Artifact:
    """Count the train split and score every held-out document, its end included.

    ``baseline.json`` has the figures. Each source counts once, whatever its weight.
    """
    order = config.baselines.ngram

    def build(folder: Path) -> dict[str, Any]:
        from femtogpt.ngram.kneser_ney import NGram
        from femtogpt.tokens.shards import Tokens

        data = Tokens(tokens.path)
        texts = (shard.ids for shards in data.shards("train").values() for shard in shards)
        ngram = NGram.train(texts, data.eos, data.vocab_size, order)
        tallies = {}
        for source, shards in data.shards("held_out").items():
            bits = sum(-float(ngram.log2_probabilities(shard.ids).sum()) for shard in shards)
            part = data.index["splits"]["held_out"][source]
            tallies[source] = Tally(bits, part["characters"], part["tokens"])
        baseline = Baseline.of(f"n-gram (order {order})", {"order": order}, tallies)
        baseline.write(folder)
        return baseline.counts

    return store.make(recipe(config, tokens), build)


def recipe(config: Config, tokens: Artifact) -> Recipe:
    """What determines the n-gram's figures."""
    settings = {"order": config.baselines.ngram}
    names = {"order": "baselines.ngram"}
    return Recipe(NGRAM, code_of(__name__), settings, {"tokens": tokens}, names=names)
