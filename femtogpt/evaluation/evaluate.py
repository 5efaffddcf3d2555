"""The evaluation stage: held-out bits per character, as ``femtogpt.model.score`` defines them."""

from __future__ import annotations

import json
import math
from pathlib import Path

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.store import Store
from femtogpt.progress import progress

EVALUATION_FILE = "evaluation.json"
TRAIN_TOKENS = 65536  # of the train split, for the gap between train and held-out


def evaluate(store: Store, tokens: Artifact, run: Artifact, device: str = "auto") -> Artifact:
    """Score the held-out documents with a run's final weights.

    ``evaluation.json`` holds ``held_out`` (all, by source, by document) and ``train`` (an
    estimate over windows spread evenly over the train split: the gap tells of memorising).
    """

    def build(folder: Path) -> dict:
        # torch takes seconds to import: not when the evaluation is up to date
        from femtogpt.model.loading import load_model
        from femtogpt.model.score import PREDICTIONS, Score, mean_nats, score_shards, spread
        from femtogpt.tokens.shards import Tokens

        model = load_model(run.path, device)
        context = model.config.context
        data = Tokens(tokens.path)
        sources, documents = {}, []
        with progress("evaluation", data.total("held_out"), "tokens") as update:
            for source, shards in data.shards("held_out").items():
                scores = score_shards(model, shards, context, update=update)
                sources[source] = sum((score for _, score in scores), Score())
                documents += [
                    {"source": source, "id": entry.id, **score.as_dict()} for entry, score in scores
                ]
        whole = sum(sources.values(), Score())
        some = spread(data.shards("train"), context, TRAIN_TOKENS)
        loss = mean_nats(model, some, (max(1, PREDICTIONS // context), context))
        per_character = data.total("train") / data.total("train", "characters")
        result = {
            "held_out": {
                **whole.as_dict(),
                "sources": {name: score.as_dict() for name, score in sources.items()},
            },
            "train": {
                "loss": loss,
                "bits_per_character_estimate": loss / math.log(2) * per_character,
            },
            "documents": documents,
        }
        (folder / EVALUATION_FILE).write_text(
            json.dumps(result, ensure_ascii=False, indent=1), encoding="utf-8"
        )
        return {
            "held_out_bits_per_character": whole.bits_per_character,
            "held_out_loss": whole.loss,
            "entropy_bits_per_character": whole.entropy,
            "train_bits_per_character_estimate": result["train"]["bits_per_character_estimate"],
        }

    return store.make(recipe(tokens, run), build)


def recipe(tokens: Artifact, run: Artifact) -> Recipe:
    """What determines an evaluation."""
    return Recipe("evaluation", code_of(__name__), {}, {"tokens": tokens, "run": run})
