"""The training stage: the recipe of a run and the folder that it starts from.

Who runs ``femtogpt.training`` in that folder, and how it is watched, is the caller's business.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

from femtogpt.artifact import Artifact, Recipe, Store, write_whole
from femtogpt.config import Config
from femtogpt.tokens.tokenizer import FILE as TOKENIZER
from femtogpt.training.metrics import FILE as METRICS
from femtogpt.training.metrics import read_metrics
from femtogpt.training.origin import lineage

VERSION = 1
# Where and how fast to train, and how often to look, does not change what is learned.
APART = {
    *("device", "threads", "compile", "activation_checkpointing", "memory_gb"),
    *("processes", "parallel"),
    *("checkpoint_every", "checkpoint_minutes"),
    *("keep_checkpoints", "init_from"),  # its weights' checksum counts, not where they lie
}


def run_training(
    store: Store, config: Config, tokens: Artifact, train: Callable[[Path, Path], None]
) -> Artifact:
    """The run artifact: settings, tokenizer, metrics, final weights and the last checkpoints.

    ``train(run folder, token folder)`` trains, going on from what stands in the run folder; what
    it leaves there when it raises stays for the next time.
    """
    settings = {
        "model": config.model.model_dump(mode="json"),
        "train": config.train.model_dump(mode="json"),
        "seed": config.seed,
        "weights": {name: source.weight for name, source in config.sources.items()},
        "lineage": [] if config.train.init_from is None else lineage(config.train.init_from),
    }
    apart = {key: value for key, value in settings["train"].items() if key not in APART}
    origins = [origin["weights"] for origin in settings["lineage"]]
    ingredients = {**settings, "train": apart, "lineage": origins}
    recipe = Recipe("run", VERSION, ingredients, {"tokens": tokens})

    def build(folder: Path) -> dict:
        write_whole(folder / "settings.json", json.dumps(settings, indent=1).encode())
        write_whole(folder / TOKENIZER, (tokens.path / TOKENIZER).read_bytes())
        train(folder, tokens.path)
        last = read_metrics(folder / METRICS)[-1]
        return {
            "steps": last["step"],
            "tokens": last["tokens"],
            "seconds": last["seconds"],
            "parameters": _parameters(folder / "model.safetensors"),
        }

    return store.make(recipe, build, resumable=True)


def _parameters(weights: Path) -> int:
    """Numbers in a safetensors file, from its header alone."""
    from safetensors import safe_open

    with safe_open(weights, framework="np") as file:
        return sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
