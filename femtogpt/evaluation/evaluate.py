"""The evaluation stage: what the registered metrics say of a run's final weights."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.store import Store
from femtogpt.config import Config
from femtogpt.evaluation import standard_metrics  # noqa: F401  registers the metrics
from femtogpt.evaluation.evaluation_context import EvaluationContext
from femtogpt.evaluation.metric_registry import METRICS
from femtogpt.progress import progress

EVALUATION_FILE = "evaluation.json"


def evaluate(
    store: Store, config: Config, corpus: Artifact, tokens: Artifact, run: Artifact
) -> Artifact:
    """Evaluate a run's final weights on the held-out documents of a corpus, encoded in ``tokens``.

    ``evaluation.json`` holds ``metrics`` (name to value, unit and which way is better),
    ``held_out`` (all, by source), ``train`` (an estimate) and ``documents``. ``documents.parquet``
    has the documents' scores with their authors and titles. The artifact's counts are the metrics'
    values.
    """

    def build(folder: Path) -> dict[str, Any]:
        # Imported here: torch takes seconds, and an evaluation may be up to date.
        from femtogpt.evaluation.document_scores import counts, held_out_texts, table, write_scores
        from femtogpt.model.loading import load_model
        from femtogpt.tokens.shards import Tokens
        from femtogpt.training.settings import load_settings

        model, data = load_model(run.path, config.train.device), Tokens(tokens.path)
        settings = load_settings(run.path, data)
        with progress("evaluation", data.total("held_out"), "tokens") as update:
            context = EvaluationContext(model, data, settings, config, update)
            values = {name: metric.function(context) for name, metric in METRICS.items()}
        result = {
            "metrics": {
                name: {"value": value, "unit": METRICS[name].unit, "better": METRICS[name].better}
                for name, value in values.items()
            },
            "held_out": {
                **context.held_out.as_dict(),
                "sources": {name: score.as_dict() for name, score in context.sources.items()},
            },
            "train": {
                "loss": context.train_loss,
                "bits_per_character_estimate": values["train_bits_per_character_estimate"],
            },
            "documents": [
                {"source": source, "id": entry.id, **score.as_dict()}
                for source, scores in context.documents.items()
                for entry, score in scores
            ],
        }
        (folder / EVALUATION_FILE).write_text(
            json.dumps(result, ensure_ascii=False, indent=1), encoding="utf-8"
        )
        rows = (
            (source, entry.id, score.tokens, score.nats / math.log(2))
            for source, scores in context.documents.items()
            for entry, score in scores
        )
        write_scores(table(held_out_texts(corpus), counts(rows)), folder)
        return values

    return store.make(recipe(config, corpus, tokens, run), build)


def recipe(config: Config, corpus: Artifact, tokens: Artifact, run: Artifact) -> Recipe:
    """What determines an evaluation."""
    sections = {section for metric in METRICS.values() for section in metric.reads}
    settings = config.model_dump(mode="json", include=sections)
    registered = {"metrics": sorted(METRICS), **settings}
    names = {"metrics": "the list of metrics"}
    inputs = {"corpus": corpus, "tokens": tokens, "run": run}
    return Recipe("evaluation", code_of(__name__), registered, inputs, names=names)
