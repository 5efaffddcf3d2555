"""Tiny models, hand-written token shards and short trainings for the tests."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from femtogpt.config import ModelConfig, TrainConfig
from femtogpt.errors import Stopped
from femtogpt.model.gpt import GPT
from femtogpt.tokens.shards import Shard, Tokens
from femtogpt.tokens.tokenizer import TOKENIZER_FILE, Tokenizer
from femtogpt.tokens.tokenizer import train as train_tokenizer
from femtogpt.training.loop import train
from femtogpt.training.metrics import METRICS_FILE, SAMPLE, read_metrics
from femtogpt.training.settings import TrainingSettings, resolve_train

torch.set_num_threads(1)

BOUNDARY = 1
VOCAB = 24
TEXT = 806  # tokens in the train split of ``repetitive``
Documents = Sequence[Sequence[int]]


def write_shard(path: Path, documents: Documents) -> Shard:
    """A shard ``B doc B doc … B``; a token has three characters, and each end one."""
    ids, entries = [BOUNDARY], []
    for number, document in enumerate(documents):
        entries.append(
            {
                "id": f"{path.stem}/{number}",
                "start": len(ids) - 1,
                "tokens": len(document),
                "characters": 3 * len(document) + 1,
                "entropy_bits": None,
            }
        )
        ids += [*document, BOUNDARY]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(piece.to_bytes(2, "little") for piece in ids))
    path.with_suffix(".json").write_text(json.dumps(entries))
    return Shard(path, len(ids), "<u2")


def write_tokens(
    folder: Path, splits: Mapping[str, Mapping[str, Documents]], vocab_size: int = VOCAB
) -> Tokens:
    """A folder of token shards: split to source to documents, a shard for each source."""
    index = {"dtype": "<u2", "vocab_size": vocab_size, "boundary": BOUNDARY, "splits": {}}
    for split, sources in splits.items():
        index["splits"][split] = {}
        for source, documents in sources.items():
            shard = write_shard(folder / split / source / "00000.bin", documents)
            entries = shard.documents()
            index["splits"][split][source] = {
                "tokens": shard.tokens - 1,
                "documents": len(entries),
                "characters": sum(entry.characters for entry in entries),
                "shards": [shard.tokens],
            }
    (folder / "index.json").write_text(json.dumps(index))
    return Tokens(folder)


def verses(count: int, seed: int = 0) -> list[list[int]]:
    """Documents that repeat a line of twelve different tokens, each from another place on."""
    line = list(range(2, 14))
    starts = random.Random(seed)
    return [(line * 4)[(start := starts.randrange(12)) : start + 30] for _ in range(count)]


def drawn(count: int, seed: int = 0) -> list[list[int]]:
    """Documents in which one of several tokens may come after each: a text shows one of them."""
    draw = np.random.default_rng(seed)
    chances = draw.dirichlet(np.full(VOCAB - 2, 0.3), size=VOCAB)
    documents = []
    for _ in range(count):
        ids = [2]
        while len(ids) < 60:
            ids.append(int(draw.choice(VOCAB - 2, p=chances[ids[-1]])) + 2)
        documents.append(ids)
    return documents


def repetitive(folder: Path) -> Tokens:
    """Shards of two sources whose text a small model learns in a few steps."""
    return write_tokens(
        folder,
        {
            "train": {"one": verses(20, 1), "two": verses(6, 2)},
            "held_out": {"one": verses(3, 3), "two": verses(1, 4)},
        },
    )


def readable(folder: Path) -> Tokens:
    """Shards of words, with the tokenizer that turns what is written into text."""
    lines = ["мама мыла раму", "у рамы мама, у мамы рама", "шла Саша по шоссе и сосала сушку"]
    model = train_tokenizer(iter(lines * 20), 310)
    tokenizer = Tokenizer(model)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TOKENIZER_FILE).write_bytes(model)
    documents = [tokenizer.encode(f"{line}\n" * 2) for line in lines]
    splits = {"train": {"one": documents * 8}, "held_out": {"one": documents}}
    return write_tokens(folder, splits, tokenizer.size)


def shape(**changes) -> ModelConfig:
    return ModelConfig(
        **{"layers": 2, "width": 16, "heads": 4, "kv_heads": 2, "context": 8, **changes}
    )


def settings(model: Mapping | None = None, **changes) -> TrainingSettings:
    """A training of 20 steps, with dropout."""
    config = {
        "max_steps": 20,
        "batch_size": 4,
        "checkpoint_every": 5,
        "evaluate_every": 4,
        "sample_every": 0,
        "device": "cpu",
        "precision": "float32",
        "threads": 1,
        **changes,
    }
    model_config = shape(**{"dropout": 0.1, **(model or {})})
    resolved = resolve_train(TrainConfig(**config), model_config, TEXT, VOCAB)
    return TrainingSettings(model=model_config, train=resolved, seed=7)


def diverging(**changes):
    """A training whose weights grow ninefold at each step: its loss soon has no finite value."""
    absurd = {"learning_rate": 1.0, "weight_decay": 10.0, "warmup": 0, "decay": 0}
    return settings(optimizer="adamw", **{"max_steps": 200, **absurd, **changes})


def lively(config: ModelConfig, vocab_size: int = VOCAB, seed: int = 0) -> GPT:
    """A model none of whose weights is zero or one, ready to read."""
    model = GPT(config, vocab_size)
    random = torch.Generator().manual_seed(seed)
    for weight in model.parameters():
        noise = torch.randn(weight.shape, generator=random)
        weight.data = noise * (1.5 / config.width**0.5) if weight.ndim == 2 else 1 + 0.3 * noise
    return model.eval()


def stop_after(steps: int) -> Callable[[], bool]:
    """True when it is asked for the time after so many steps of one run of the loop."""
    asked = iter(range(steps))
    return lambda: next(asked, None) is None


def course(run: Path) -> list[dict]:
    """The metrics, without the times."""
    lines = read_metrics(run / METRICS_FILE)
    return [{key: line[key] for key in line if key not in ("seconds", "time")} for line in lines]


def samples(run: Path) -> dict[int, str]:
    """What was written while it was trained, by step."""
    return {line["step"]: line[SAMPLE] for line in course(run) if SAMPLE in line}


def outcome(run: Path) -> tuple[list[dict], bytes]:
    """All that a training leaves but its times: the metrics and the bytes of the final weights."""
    return course(run), (run / "model.safetensors").read_bytes()


def trained(settings: TrainingSettings, tokens: Tokens, run: Path) -> Path:
    """The folder of an unbroken training."""
    run.mkdir(exist_ok=True)
    train(settings, tokens, run)
    return run


def trained_with_stops(
    settings: TrainingSettings, tokens: Tokens, run: Path, stops: Sequence[int]
) -> Path:
    """The folder of a training that was stopped after so many steps, each time, and went on."""
    for steps in stops:
        with pytest.raises(Stopped):
            train(settings, tokens, run, stop_after(steps))
    return trained(settings, tokens, run)


class Process:
    """``python -m femtogpt.training`` on a run folder."""

    def __init__(self, settings: TrainingSettings, tokens: Tokens, run: Path, *options: str):
        run.mkdir(exist_ok=True)
        (run / "settings.json").write_text(settings.model_dump_json())
        self.run = run
        self.child = subprocess.Popen(
            [sys.executable, "-m", "femtogpt.training", *options, str(run), str(tokens.folder)],
            stdin=subprocess.PIPE if options else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            text=True,
        )

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_) -> None:
        self.child.kill()
        self.child.wait()

    def reach(self, step: int) -> None:
        """Wait until it has trained so many steps."""
        file, until = self.run / METRICS_FILE, time.monotonic() + 60
        while not file.is_file() or f'{{"step": {step},' not in file.read_text():
            assert self.child.poll() is None, self.child.stderr.read()
            assert time.monotonic() < until, f"no step {step} in a minute"
            time.sleep(0.01)

    def end(self) -> tuple[int, list[str]]:
        """Wait for its end; the status and the lines on standard error."""
        lines = self.child.stderr.read().splitlines()
        return self.child.wait(), lines
