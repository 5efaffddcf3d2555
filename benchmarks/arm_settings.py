"""The settings of an arm, resolved by the code of the tree that is to train it.

A program of its own, because that tree may be an older commit: it runs in the tree's folder, with
the tree on ``PYTHONPATH``, and imports only what both have. It reads a JSON object from standard
input: ``conf`` (a configuration's name or null), ``vocab_size``, ``settings`` (``section.field`` to
value) and ``timed`` (whether the number of steps stays open). It prints ``model``, ``train``,
``evaluations`` (how many a training has by default) and ``unknown``: the settings that this tree
lacks. What is left open, the tree's dial decides.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml
from pydantic import ValidationError

from femtogpt.config import Config, ModelConfig, TrainConfig

SECTIONS: dict[str, type[ModelConfig] | type[TrainConfig]] = {
    "model": ModelConfig,
    "train": TrainConfig,
}
STEPS = 1000  # of a training like any other
SMALLEST_VOCABULARY = 300  # that a configuration accepts; shards may have less
LENGTHS = ("max_steps", "epochs")
INSTEAD_OF = {  # a setting, to those of the configuration's file that it takes the place of
    "train.max_steps": LENGTHS,
    "train.epochs": LENGTHS,
    "model.size": ("layers", "width", "heads", "kv_heads", "feed_forward"),
}


def main() -> None:
    wanted = json.load(sys.stdin)
    values = sections(wanted["conf"]) if wanted["conf"] else {name: {} for name in SECTIONS}
    unknown = []
    for name, value in wanted["settings"].items():
        section, _, field = name.partition(".")
        if field not in SECTIONS[section].model_fields:
            unknown.append(name)
            continue
        for other in INSTEAD_OF.get(name, ()):
            values[section].pop(other, None)
        values[section][field] = value
    if wanted["timed"]:
        for name in LENGTHS:
            values["train"].pop(name, None)
    # The dial is part of a complete configuration, which has a source: the one without files.
    rest: dict = {"name": "arm", "sources": {"text": {"kind": "sample"}}}
    rest["tokenizer"] = {"vocab_size": max(SMALLEST_VOCABULARY, wanted["vocab_size"])}
    try:
        config = Config.model_validate({**rest, **values})
    except ValidationError as error:
        sys.exit("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()))
    resolved = {name: getattr(config, name).model_dump(mode="json") for name in SECTIONS}
    every = TrainConfig(max_steps=STEPS).evaluate_every
    assert every, "the dial gives it"
    print(json.dumps({**resolved, "evaluations": STEPS // every, "unknown": unknown}))


def sections(conf: str) -> dict[str, dict]:
    """The sections ``model`` and ``train`` of a configuration, and of those that it extends."""
    content = yaml.safe_load(Path("conf", f"{conf}.yaml").read_text(encoding="utf-8"))
    base = sections(content["extends"]) if "extends" in content else {}
    return {name: {**base.get(name, {}), **(content.get(name) or {})} for name in SECTIONS}


if __name__ == "__main__":
    main()
