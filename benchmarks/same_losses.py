"""Whether this tree trains as another commit did: the losses of each step, float for float.

::

    python benchmarks/same_losses.py a051ac7
    python benchmarks/same_losses.py HEAD~3 --steps 200 --speed 3

Trains tiny models with both, each in processes of its own, on the same made-up tokens: Muon and
AdamW, with and without an average of the weights and dropout. It compares ``train_loss`` and
``held_out_loss`` exactly and ends with status 1 where they differ. The commit is checked out into
a temporary folder. Both are reached by what does not change: ``python -m femtogpt.training RUN
TOKENS``, ``settings.json``, the token shards and the metrics file.

``--speed N``: also N rounds of a larger training in turn, for the ratio of tokens per second.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from commit_files import checked_out, environment

HERE = Path(__file__).resolve().parent.parent
VOCABULARY = 512
COMPARED = ("train_loss", "held_out_loss", "gradient_norm")
MODEL = {"layers": 2, "width": 64, "heads": 4, "kv_heads": 2, "context": 32}
TRAIN = {
    "batch_size": 8,
    "micro_batch": 4,
    "learning_rate": 0.01,
    "muon_learning_rate": 0.01,
    "weight_decay": 0.1,
    "device": "cpu",
    "precision": "float32",
    "compile": False,
    "threads": 1,
    "evaluate_tokens": 2000,
    "sample_every": 0,
}
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "muon": ({}, {"optimizer": "muon"}),
    "muon, EMA, dropout": ({"dropout": 0.1}, {"optimizer": "muon", "ema": 0.9}),
    "adamw": ({}, {"optimizer": "adamw"}),
    "adamw, EMA, dropout": ({"dropout": 0.1}, {"optimizer": "adamw", "ema": 0.9}),
    "adamw, patience": ({}, {"optimizer": "adamw", "learning_rate": 0.05, "patience": 1}),
    "muon, document mask": ({}, {"document_mask": True, "activation_checkpointing": True}),
}
LARGER = {"layers": 4, "width": 128, "heads": 2, "context": 256}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commit")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--speed", type=int, default=0, metavar="ROUNDS")
    options = parser.parse_args()
    differ = 0
    with checked_out(options.commit) as other, TemporaryDirectory() as folder:
        tokens = make_tokens(Path(folder) / "tokens")
        for name, (model, train) in VARIANTS.items():
            settings = make_settings({**MODEL, **model}, {**TRAIN, **train}, options.steps)
            ours, theirs = (losses(train_in(tree, settings, tokens)) for tree in (HERE, other))
            same = ours == theirs and ours
            differ += not same
            print(f"{name:24} {len(ours):4} values  {'identical' if same else 'DIFFERENT'}")
            if not same:
                pairs = zip(ours, theirs, strict=False)
                print(f"  first: {next((pair for pair in pairs if pair[0] != pair[1]), None)}")
        if options.speed:
            compare_speed(options.speed, other, tokens)
    return min(1, differ)


def make_tokens(folder: Path) -> Path:
    """Token shards of two sources, of words in an order that can be learned."""
    draw = random.Random(0)
    words = [[draw.randrange(2, VOCABULARY) for _ in range(3)] for _ in range(40)]
    splits: dict[str, dict[str, dict]] = {}
    for split, count in {"train": 300, "held_out": 20}.items():
        splits[split] = {}
        for source, share in {"one": 2, "two": 1}.items():
            documents = []
            for _ in range(count * share):
                start, length = draw.randrange(40), draw.randrange(10, 60)
                order = [(start + at * draw.choice((1, 1, 7))) % 40 for at in range(length)]
                documents.append([id for at in order for id in words[at]])
            splits[split][source] = write_shard(folder / split / source, documents)
    index = {"dtype": "<u2", "vocab_size": VOCABULARY, "boundary": 1, "splits": splits}
    (folder / "index.json").write_text(json.dumps(index), "utf-8")
    return folder


def write_shard(folder: Path, documents: list[list[int]]) -> dict:
    ids, entries = [1], []
    for number, document in enumerate(documents):
        entry = {"id": str(number), "start": len(ids) - 1, "tokens": len(document)}
        entries.append({**entry, "characters": 3 * len(document), "entropy_bits": None})
        ids += [*document, 1]
    folder.mkdir(parents=True)
    (folder / "00000.bin").write_bytes(b"".join(id.to_bytes(2, "little") for id in ids))
    (folder / "00000.json").write_text(json.dumps(entries), "utf-8")
    return {
        "tokens": len(ids) - 1,
        "documents": len(documents),
        "characters": sum(entry["characters"] for entry in entries),
        "longest": max(map(len, documents)),
        "shards": [len(ids)],
    }


def make_settings(model: dict, train: dict, steps: int) -> dict:
    rarely = max(1, steps // 6)
    lengths = {"max_steps": steps, "evaluate_every": rarely, "checkpoint_every": rarely}
    return {"model": model, "train": {**lengths, **train}, "seed": 7, "weights": {"two": 1.5}}


def train_in(tree: Path, settings: dict, tokens: Path) -> list[dict]:
    """The metrics of a training by the code in ``tree``."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "settings.json").write_text(json.dumps(settings), "utf-8")
        subprocess.run(
            [sys.executable, "-m", "femtogpt.training", folder, str(tokens)],
            cwd=tree,
            env={**environment(tree), "OMP_NUM_THREADS": "1"},
            stderr=subprocess.DEVNULL,
            check=True,
        )
        lines = (Path(folder) / "metrics.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def losses(lines: list[dict]) -> list[tuple[int, str, float]]:
    return [(line["step"], name, line[name]) for line in lines for name in COMPARED if name in line]


def compare_speed(rounds: int, other: Path, tokens: Path) -> None:
    """Print the ratio of steady tokens per second, this tree's to the other's, by round."""
    train = {**TRAIN, "micro_batch": 8, "checkpoint_every": 1000, "evaluate_every": 1000}
    settings = make_settings(LARGER, {**train, "max_steps": 40}, 40)
    ratios = []
    for number in range(rounds):
        trees = (HERE, other) if number % 2 == 0 else (other, HERE)
        speeds = {tree: speed(train_in(tree, settings, tokens)) for tree in trees}
        ratios.append(speeds[HERE] / speeds[other])
        print(f"round {number}: {speeds[HERE]:,.0f} to {speeds[other]:,.0f} tokens/s")
    low, high = min(ratios), max(ratios)
    print(f"tokens per second, ratio: {statistics.median(ratios):.3f} ({low:.3f} to {high:.3f})")


def speed(lines: list[dict]) -> float:
    """Tokens per second of a median step; the first ten are left out."""
    steps = [line for line in lines if "train_loss" in line]
    spent = [after["seconds"] - before["seconds"] for before, after in pairwise(steps[10:])]
    return steps[0]["tokens"] / statistics.median(spent)


if __name__ == "__main__":
    sys.exit(main())
