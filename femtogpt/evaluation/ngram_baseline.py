"""The n-gram baseline: how well counting the tokenizer's pieces predicts held-out text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.store import Store
from femtogpt.config import Config
from femtogpt.evaluation.baseline import NGRAM, Baseline, Tally

if TYPE_CHECKING:
    from femtogpt.tokens.shards import Tokens


def score_ngram(store: Store, config: Config, tokens: Artifact) -> Artifact:
    """Count the train split and score every held-out document, its end included.

    ``baseline.json`` has the figures. What is counted of a large split: ``ngram.counted_text``.
    """
    order = config.baselines.ngram

    def build(folder: Path) -> dict[str, Any]:
        from femtogpt.tokens.shards import Tokens

        baseline = ngram_figures(Tokens(tokens.path), order)
        baseline.write(folder)
        return baseline.counts

    return store.make(recipe(config, tokens), build)


def ngram_figures(tokens: Tokens, order: int) -> Baseline:
    """The held-out figures of an n-gram that has counted the train split."""
    from femtogpt.ngram.counted_text import counted_text
    from femtogpt.ngram.kneser_ney import NGram

    texts = counted_text(tokens)
    ngram = NGram.train(texts, tokens.eos, tokens.vocab_size, order)
    tallies = {}
    for source, shards in tokens.shards("held_out").items():
        bits = sum(-float(ngram.log2_probabilities(shard.ids).sum()) for shard in shards)
        part = tokens.index["splits"]["held_out"][source]
        tallies[source] = Tally(bits, part["characters"], part["tokens"])
    settings = {"order": order, "tokens": sum(map(len, texts))}
    return Baseline.of(f"n-gram (order {order})", settings, tallies)


def recipe(config: Config, tokens: Artifact) -> Recipe:
    """What determines the n-gram's figures."""
    settings = {"order": config.baselines.ngram}
    names = {"order": "baselines.ngram"}
    return Recipe(NGRAM, code_of(__name__), settings, {"tokens": tokens}, names=names)
