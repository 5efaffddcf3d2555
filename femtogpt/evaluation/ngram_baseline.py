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
    import polars as pl

    from femtogpt.tokens.shards import Entry, Tokens


def score_ngram(store: Store, config: Config, tokens: Artifact) -> Artifact:
    """Count the train split and score every held-out document, its end included.

    ``baseline.json`` has the figures, ``documents.parquet`` those of each document. What is
    counted of a large split: ``ngram.counted_text``.
    """
    order = config.baselines.ngram

    def build(folder: Path) -> dict[str, Any]:
        from femtogpt.evaluation.document_scores import write_scores
        from femtogpt.tokens.shards import Tokens

        baseline, documents = ngram_figures(Tokens(tokens.path), order)
        baseline.write(folder)
        write_scores(documents, folder)
        return baseline.counts

    return store.make(recipe(config, tokens), build)


def ngram_figures(tokens: Tokens, order: int) -> tuple[Baseline, pl.DataFrame]:
    """The held-out figures of an n-gram that has counted the train split, and each document's."""
    from femtogpt.evaluation.document_scores import counts
    from femtogpt.ngram.counted_text import counted_text
    from femtogpt.ngram.kneser_ney import NGram

    texts = counted_text(tokens)
    ngram = NGram.train(texts, tokens.eos, tokens.vocab_size, order)
    tallies, rows = {}, []
    for source, shards in tokens.shards("held_out").items():
        bits = 0.0
        for shard in shards:
            each = -ngram.log2_probabilities(shard.ids)  # of all but the first
            bits += float(each.sum())
            rows += [
                (source, entry.id, entry.tokens + 1, float(each[_predicted(entry)].sum()))
                for entry in shard.documents()
            ]
        part = tokens.index["splits"]["held_out"][source]
        tallies[source] = Tally(bits, part["characters"], part["tokens"])
    settings = {"order": order, "tokens": sum(map(len, texts))}
    return Baseline.of(f"n-gram (order {order})", settings, tallies), counts(rows)


def _predicted(entry: Entry) -> slice:
    """Where the predictions of a document and of its end are among those of a shard."""
    return slice(entry.start, entry.start + entry.tokens + 1)


def recipe(config: Config, tokens: Artifact) -> Recipe:
    """What determines the n-gram's figures."""
    settings = {"order": config.baselines.ngram}
    names = {"order": "baselines.ngram"}
    return Recipe(NGRAM, code_of(__name__), settings, {"tokens": tokens}, names=names)
