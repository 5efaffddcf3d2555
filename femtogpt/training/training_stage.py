"""The training stage: the recipe of a run and the folder that it starts from.

Who runs ``femtogpt.training`` in that folder, and how it is watched, is the caller's business.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.disk import write_atomic
from femtogpt.artifacts.store import Store
from femtogpt.config import Config, TrainConfig
from femtogpt.model.files import SETTINGS_FILE, WEIGHTS_FILE
from femtogpt.scaling import epochs, weight_decay
from femtogpt.tokens.shards import Tokens
from femtogpt.tokens.tokenizer import TOKENIZER_FILE
from femtogpt.training.initialization import lineage
from femtogpt.training.metrics import METRICS_FILE, read_metrics

log = logging.getLogger(__name__)
# Where and how fast to train, and how often to look, does not change what is learned.
APART = {
    *("device", "threads", "compile", "activation_checkpointing", "memory_gb"),
    *("processes", "parallel"),
    *("checkpoint_every", "checkpoint_minutes", "sample_every"),
    *("keep_checkpoints", "init_from"),  # its weights' checksum counts, not where they lie
}


def settled(config: Config, text: float, vocab_size: int) -> Config:
    """The configuration with the steps and the weight decay that are left to the size of the text.

    ``text``: tokens of an epoch.
    """
    train, known = config.train, {}
    each = train.batch_size * config.model.context
    if train.max_steps is None:
        known["epochs"] = train.epochs or epochs(config.model.parameters(vocab_size), text)
        known["max_steps"] = math.ceil(known["epochs"] * text / each)
    if train.weight_decay is None:
        steps = known.get("max_steps", train.max_steps)
        known["weight_decay"] = weight_decay(steps * each / text, steps, train.main_rate)
    train = TrainConfig.model_validate({**train.model_dump(), **known})
    return config.model_copy(update={"train": train})


def text_of(config: Config, tokens: Tokens) -> float:
    """Tokens of an epoch: those of each source as often as it weighs."""
    parts = tokens.index["splits"]["train"]
    return sum(source.weight * parts[name]["tokens"] for name, source in config.sources.items())


def settled_on(config: Config, tokens: Tokens) -> Config:
    """The same, by the tokens of each source and its weight; told in a line."""
    text = text_of(config, tokens)
    config = settled(config, text, tokens.vocab_size)
    model, train = config.model, config.train
    log.info(
        "settings: %d layers × %d, %d heads; %s steps of %d windows of %d, %.1f epochs;"
        " peak rates %g and %g (Muon), weight decay %g",
        *(model.layers, model.width, model.heads, f"{train.max_steps:,}", train.batch_size),
        *(model.context, train.max_steps * train.batch_size * model.context / text),
        *(train.learning_rate, train.muon_learning_rate, train.weight_decay),
    )
    return config


def run_training(
    store: Store, config: Config, tokens: Artifact, train: Callable[[Path, Path], None]
) -> Artifact:
    """The run artifact: settings, tokenizer, metrics, final weights and the last checkpoints.

    ``config`` is settled. ``train(run folder, token folder)`` trains, going on from what stands
    in the run folder; what it leaves there when it raises stays for the next time.
    """
    settings = _settings(config)

    def build(folder: Path) -> dict:
        write_atomic(folder / SETTINGS_FILE, json.dumps(settings, indent=1).encode())
        write_atomic(folder / TOKENIZER_FILE, (tokens.path / TOKENIZER_FILE).read_bytes())
        train(folder, tokens.path)
        last = read_metrics(folder / METRICS_FILE)[-1]
        return {
            "steps": last["step"],
            "tokens": last["tokens"],
            "seconds": last["seconds"],
            "parameters": _parameters(folder / WEIGHTS_FILE),
        }

    return store.make(recipe(config, tokens), build, resumable=True)


def recipe(config: Config, tokens: Artifact) -> Recipe:
    """What determines a training; ``config`` is settled.

    The code is recorded and does not count: edited code discards no training. Raises UserError
    where the weights that it begins with are missing.
    """
    settings = _settings(config)
    apart = {key: value for key, value in settings["train"].items() if key not in APART}
    origins = [origin["weights"] for origin in settings["lineage"]]
    return Recipe(
        "run",
        code_of(__name__, "femtogpt.training.__main__"),  # a process of its own
        {**settings, "train": apart, "lineage": origins},
        {"tokens": tokens},
        version=2,
        names={"weights": "sources.*.weight", "lineage": "=the weights of train.init_from"},
    )


def _settings(config: Config) -> dict[str, Any]:
    """What a training keeps of its configuration, as ``settings.json``."""
    assert config.train.max_steps is not None
    return {
        "model": config.model.model_dump(mode="json"),
        "train": config.train.model_dump(mode="json"),
        "seed": config.seed,
        "weights": {name: source.weight for name, source in config.sources.items()},
        "lineage": [] if config.train.init_from is None else lineage(config.train.init_from),
    }


def _parameters(weights: Path) -> int:
    """Numbers in a safetensors file, from its header alone."""
    from safetensors import safe_open

    with safe_open(weights, framework="np") as file:
        return sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
