"""The effect of a setting on held-out loss: trainings that differ only in it, over several seeds.

::

    python benchmarks/compare_settings.py data/tokens/… \\
        --base 'model.width=256 train.max_steps=500' \\
        --try train.learning_rate=0.002 --try 'model.layers=8 model.width=192' --seeds 3

``--text 200000`` trains on that many tokens only, spread over the train split: for the effect of
many epochs on little text. A variant ``change=…`` trains with a modification of the model that is
not a setting (see ``model_changes.py``).

The first row is the base. The figures are held-out bits per character (an estimate over the same
sequences, spread over all held-out works): mean, standard deviation, and the difference from the
base by seed. Variants take turns, seed by seed, on the same order of batches. Prints a table and
appends a line of JSON to ``benchmarks/out/experiments.jsonl``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import yaml
from model_changes import with_change

from femtogpt.model.gpt import GPT
from femtogpt.tokens.shards import Tokens
from femtogpt.training import loop, trainer
from femtogpt.training.metrics import METRICS_FILE, read_metrics
from femtogpt.training.settings import load_settings

HERE = Path(__file__).resolve().parent
STRETCH_TOKENS = 2048  # tokens in a row that are kept or dropped together
METRIC = "held_out_bits_per_character_estimate"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tokens", type=Path)
    parser.add_argument(
        "--base", default="", help="settings of all variants: section.field=value …"
    )
    parser.add_argument("--try", dest="tries", action="append", default=[], help="a variant")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--text", type=int, help="tokens to train on; default: all")
    parser.add_argument("--out", type=Path, default=HERE / "out/experiments.jsonl")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        tokens = Tokens(options.tokens)
        if options.text:
            tokens = subset(tokens, options.text, Path(folder))
        compare(options, tokens)


def compare(options: argparse.Namespace, tokens: Tokens) -> None:
    """Train all variants, print the table and append it to the output file."""
    variants = ["", *options.tries]
    outcomes: dict[str, list[dict]] = {variant: [] for variant in variants}
    for seed in range(options.seeds):
        for variant in variants:
            outcomes[variant].append(train(tokens, f"{options.base} {variant}", seed))
            print(f"seed {seed}  {outcomes[variant][-1]}  {variant or 'base'}", flush=True)
    print(f"\n{tokens.total('train'):,} tokens of text")
    rows = [row(variant, outcomes) for variant in variants]
    print(f"{'bits/char':>9} {'spread':>7} {'diff':>8} {'spread':>7} {'tokens/s':>9}")
    for line in rows:
        print(
            f"{line['mean']:9.4f} {line['spread']:7.4f} {line['difference']:+8.4f}"
            f" {line['difference_spread']:7.4f} {line['tokens_per_second']:9,.0f}"
            f"  {line['variant'] or 'base'}"
        )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("a", encoding="utf-8") as file:
        record = {"time": time.strftime("%Y-%m-%d %H:%M"), "base": options.base, "rows": rows}
        record["text"] = tokens.total("train")
        file.write(json.dumps(record, ensure_ascii=False) + "\n", "utf-8")


def subset(tokens: Tokens, count: int, folder: Path) -> Tokens:
    """Shards with about that many tokens of the train split, and all held-out works."""
    index = json.loads(json.dumps(tokens.index))
    total = tokens.total("train")
    for source, shards in tokens.shards("train").items():
        kept = []
        for number, shard in enumerate(shards):
            pieces = max(1, round(count * shard.tokens / total / STRETCH_TOKENS))
            starts = np.linspace(0, shard.tokens - STRETCH_TOKENS, pieces).astype(int)
            ids = np.concatenate([shard.ids[start : start + STRETCH_TOKENS] for start in starts])
            file = folder / "train" / source / f"{number:05d}.bin"
            file.parent.mkdir(parents=True, exist_ok=True)
            ids.tofile(file)
            kept.append(len(ids))
        index["splits"]["train"][source] |= {"shards": kept, "tokens": sum(kept)}
    (folder / "index.json").write_text(json.dumps(index), "utf-8")
    (folder / "held_out").symlink_to((tokens.folder / "held_out").resolve())
    return Tokens(folder)


def train(tokens: Tokens, overrides: str, seed: int) -> dict:
    """The outcome of one training."""
    model_class = GPT
    sections: dict[str, dict] = {"model": {}, "train": {"evaluate_tokens": 65536}}
    for item in overrides.split():
        name, _, value = item.partition("=")
        if name == "change":
            model_class = with_change(model_class, value)
            continue
        section, _, field = name.partition(".")
        sections[section][field] = yaml.safe_load(value)
    steps = sections["train"].setdefault("max_steps", 300)
    rarely = {"evaluate_every": steps, "checkpoint_every": steps, "sample_every": 0}
    sections["train"] = {**rarely, **sections["train"]}
    torch._dynamo.reset()  # code compiled for one variant must not affect the next
    trainer.GPT = model_class  # type: ignore[attr-defined] # the class that the trainer instantiates
    with TemporaryDirectory() as folder:
        content = {**sections, "seed": seed, "weights": {}}
        (Path(folder) / "settings.json").write_text(json.dumps(content), "utf-8")
        loop.train(load_settings(Path(folder), tokens), tokens, Path(folder))
        lines = read_metrics(Path(folder) / METRICS_FILE)
    steps = [line for line in lines if "train_loss" in line]
    step_seconds = [after["seconds"] - before["seconds"] for before, after in pairwise(steps)]
    return {
        "bits": round(lines[-1][METRIC], 4),
        "loss": round(lines[-1]["held_out_loss"], 4),
        "tokens": lines[-1]["tokens"],
        "tokens_per_second": round(steps[0]["tokens"] / statistics.median(step_seconds)),
    }


def row(variant: str, outcomes: dict[str, list[dict]]) -> dict:
    bits = [outcome["bits"] for outcome in outcomes[variant]]
    to_base = [a - b["bits"] for a, b in zip(bits, outcomes[""], strict=True)]
    return {
        "variant": variant,
        "n": len(bits),
        "mean": statistics.mean(bits),
        "spread": statistics.stdev(bits) if len(bits) > 1 else 0.0,
        "difference": statistics.mean(to_base),
        "difference_spread": statistics.stdev(to_base) if len(bits) > 1 else 0.0,
        "tokens_per_second": statistics.median(o["tokens_per_second"] for o in outcomes[variant]),
    }


if __name__ == "__main__":
    main()
