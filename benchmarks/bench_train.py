"""The training engine against the reference recipe on the same token shards, in one run.

::

    make bench-train ARCHIVE=russian-literature.zip

Both models have 5 M parameters (and, for speed alone, the original experiment's 54 M). The
reference's rate and batch are the best of a scan, the engine's those of the dial. The reference
trains for so many minutes, its decay fitted to them; the engine trains once as long, and once until
it is to have caught up. The engine's time is that of its whole process, from start to end: imports,
compiling, estimates and checkpoints included; the reference's is that of its steps alone. Prints a
table and writes ``benchmarks/out/train.json``.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from processes import machine
from reference import Shape, Training, measured

from femtogpt.config import ModelConfig, TrainConfig
from femtogpt.model.loading import load_model
from femtogpt.model.score import mean_nats, spread_evenly
from femtogpt.scaling import recipe
from femtogpt.tokens.batches import Batches
from femtogpt.tokens.shards import Tokens
from femtogpt.training.metrics import METRICS_FILE, read_metrics
from femtogpt.training.precision import Precision
from femtogpt.training.settings import TrainingSettings, resolve_train, tokens_per_epoch

HERE = Path(__file__).resolve().parent
SMALL = {"layers": 4, "width": 256, "heads": 4}
LARGE = {"layers": 3, "width": 1024, "heads": 16}
SCAN = ((8, 5e-4), (8, 1e-3), (8, 2e-3), (4, 1e-3), (16, 1e-3), (16, 2e-3))  # batch, rate
EVALUATE = 131072  # held-out tokens that both are scored on in the end, the same
CAUGHT_UP = 0.19  # of the reference's time, in which the engine is to reach its loss
KEY = "held_out_bits_per_character_estimate"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tokens", type=Path, help="a folder of token shards")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--scan-minutes", type=float, default=1.5)
    parser.add_argument("--rounds", type=int, default=3, help="of the speed measurements")
    parser.add_argument("--set", nargs="*", default=[], help="of the engine: train.field=value")
    parser.add_argument("--out", type=Path, default=HERE / "out/train.json")
    options = parser.parse_args()
    figures = measure(options, Tokens(options.tokens))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    show(figures)
    print(f"\nwritten: {options.out}")


def measure(options: argparse.Namespace, tokens: Tokens) -> dict:
    figures: dict = {
        "machine": machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "peak_gflops": {kind: peak(getattr(torch, kind)) for kind in ("float32", "bfloat16")},
    }
    chosen = dict(item.removeprefix("train.").split("=", 1) for item in options.set)
    for name, shape, feed_forward, tied in (("5m", SMALL, None, True), ("54m", LARGE, 3584, False)):
        log(f"speed at {name}")
        model = ModelConfig(**shape, context=256, feed_forward=feed_forward)
        reference = Shape(**shape, vocab=tokens.vocab_size, tied=tied)
        found = speeds(options.rounds, tokens, model, reference, chosen)
        found["flop_utilisation"] = utilisation(
            found, model, tokens, chosen, figures["peak_gflops"]
        )
        figures[f"speed_{name}"] = found
    figures["tokens_per_second_ratio"] = figures["speed_5m"]["ratio"]
    figures["tokens_per_second_ratio_54m"] = figures["speed_54m"]["ratio"]

    model, reference = ModelConfig(**SMALL, context=256), Shape(**SMALL, vocab=tokens.vocab_size)
    scan = []
    for batch, rate in SCAN:
        log(f"reference: batch {batch}, rate {rate:g}, {options.scan_minutes:g} min")
        seconds = 60 * options.scan_minutes
        scan.append(measured(tokens, reference, rate, batch, seconds, EVALUATE))
    best = min(scan, key=lambda run: run["held_out_loss"])
    log(f"reference: batch {best['batch']}, rate {best['rate']:g}, {options.minutes:g} min")
    seconds = 60 * options.minutes
    plain = measured(tokens, reference, best["rate"], best["batch"], seconds, EVALUATE)
    plain["peak_memory_mb"] = memory(options.tokens, best)
    figures |= {"reference_scan": scan, "reference": plain}

    log(f"engine: {options.minutes:g} min")
    ours = engine(tokens, model, plain["seconds"], figures["speed_5m"], chosen)
    log(f"engine: {CAUGHT_UP:g} of that time")
    short = engine(tokens, model, CAUGHT_UP * plain["seconds"], figures["speed_5m"], chosen)
    figures |= {"engine": ours, "engine_short": short}
    figures["bpc_ratio_equal_time"] = ours["bits_per_character"] / plain["bits_per_character"]
    figures["overhead_share"] = ours["overhead_share"]
    reached = short["held_out_loss"] <= plain["held_out_loss"]
    figures["reached_in_short"] = reached
    figures["time_to_loss_ratio"] = short["seconds"] / plain["seconds"] if reached else None
    figures["tokens_to_loss_ratio"] = short["tokens"] / plain["tokens"] if reached else None
    return figures


def peak(kind: torch.dtype) -> float:
    """GFLOP/s of a large matrix product, the best of some."""
    a, b = torch.randn(4096, 1024).to(kind), torch.randn(1024, 1024).to(kind)
    best = 0.0
    for _ in range(12):
        start = time.perf_counter()
        a @ b
        best = max(best, 2 * 4096 * 1024 * 1024 / (time.perf_counter() - start) / 1e9)
    return round(best, 1)


def utilisation(
    found: dict, model: ModelConfig, tokens: Tokens, chosen: dict, peaks: dict[str, float]
) -> dict[str, float]:
    """Of both, operations per second as a share of the matrix products' in the format they use."""
    used = Precision(TrainConfig.model_validate(chosen)).name
    gflop = model.flops_per_token(tokens.vocab_size) / 1e9
    formats = {"engine": used, "reference": "float32"}
    return {
        name: found[f"{name}_tokens_per_second"] * gflop / peaks[kind]
        for name, kind in formats.items()
    }


def memory(tokens: Path, best: dict) -> float:
    """Most megabytes of the reference, as a process of its own that trains for some steps."""
    command = [sys.executable, str(HERE / "reference.py"), str(tokens), "--minutes", "0.1"]
    command += ["--rate", str(best["rate"]), "--batch", str(best["batch"])]
    process = subprocess.Popen([*command, "--evaluate-tokens", "2048"], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, "the reference failed"
    return usage.ru_maxrss / 1024


def speeds(
    rounds: int, tokens: Tokens, model: ModelConfig, shape: Shape, chosen: dict[str, str]
) -> dict:
    """Tokens per second of both, in turn, and the median of the ratios."""
    found: dict[str, list[float]] = {"engine": [], "reference": []}
    training = Training(tokens, shape, 1e-3, 8, 10_000)
    parameters = {"reference": sum(weight.numel() for weight in training.model.parameters())}
    reference_steps, steps = (20, 40) if model.width < 512 else (5, 5)
    for _ in range(rounds):
        times = []
        for _ in range(reference_steps):
            start = time.perf_counter()
            training.train()
            times.append(time.perf_counter() - start)
        found["reference"].append(8 * shape.context / statistics.median(times))
        rarely = {"evaluate_every": steps, "checkpoint_every": steps, "evaluate_tokens": 2048}
        ran = run(tokens, model, steps, {**chosen, **rarely}, evaluate=2048)
        found["engine"].append(ran["tokens_per_second"])
        parameters["engine"] = ran["parameters"]
    ratios = [a / b for a, b in zip(found["engine"], found["reference"], strict=True)]
    return {
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "parameters": parameters,
        **{f"{name}_tokens_per_second": statistics.median(all) for name, all in found.items()},
        "engine_start": ran["start"],
    }


def engine(
    tokens: Tokens, model: ModelConfig, seconds: float, speed: dict, chosen: dict[str, str]
) -> dict:
    """A training that is to take so many seconds, as the process that it is."""
    config = TrainConfig.model_validate({**recipe(model.width, model.context), **chosen})
    each = config.batch_size * model.context / speed["engine_tokens_per_second"]
    left = 0.96 * (seconds - speed["engine_start"])
    steps = max(10, int(left / each))
    return run(tokens, model, steps, chosen)


def run(
    tokens: Tokens, model: ModelConfig, steps: int, chosen: dict, evaluate: int = EVALUATE
) -> dict:
    """One training process: what it reached, how fast, and what it did besides its steps."""
    derived = recipe(model.width, model.context)
    given = {"max_steps": steps, "compile": True, **chosen}
    config = TrainConfig.model_validate({**derived, **given})
    text = tokens_per_epoch(tokens, {})
    resolved = resolve_train(config, model, text, tokens.vocab_size)
    settings = TrainingSettings(model=model, train=resolved, seed=0)
    with TemporaryDirectory() as folder:
        place = Path(folder)
        settings.write(place)
        command = [sys.executable, "-m", "femtogpt.training", folder, str(tokens.folder)]
        start = time.time()
        process = subprocess.Popen(command, cwd=HERE.parent)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.time() - start
        assert status == 0, "the training failed"
        lines = read_metrics(place / METRICS_FILE)
        size = (place / "model.safetensors").stat().st_size
        some = spread_evenly(tokens.shards("held_out"), model.context, evaluate)
        loss = mean_nats(load_model(place, "cpu"), some, (8, model.context))
    per_character = tokens.total("held_out") / tokens.total("held_out", "characters")
    taken = [line for line in lines if "train_loss" in line]
    times = [after["seconds"] - before["seconds"] for before, after in pairwise(taken)]
    median = statistics.median(times)
    return {
        "parameters": size // 4,
        "steps": steps,
        "tokens": lines[-1]["tokens"],
        "seconds": seconds,
        "start": lines[0]["time"] - start,
        "tokens_per_second": taken[0]["tokens"] / median,
        "overhead_share": overhead(settings, tokens, lines, median),
        "held_out_loss": loss,
        "bits_per_character": loss / math.log(2) * per_character,
        "peak_memory_mb": usage.ru_maxrss / 1024,
        "course": [
            {"tokens": line["tokens"], "seconds": line["time"] - start, KEY: line[KEY]}
            for line in lines
            if KEY in line
        ],
    }


def overhead(settings: TrainingSettings, tokens: Tokens, lines: list[dict], step: float) -> float:
    """The share of a training's time that its steps do not explain.

    What the steps around estimates and checkpoints took beyond a median ``step`` (in seconds),
    and the making of batches.
    """
    config, context = settings.train, settings.model.context
    batches = Batches(tokens.shards("train"), context, config.batch_size, settings.seed)
    start = time.perf_counter()
    for number in range(50):
        batches.batch(number)
    data = (time.perf_counter() - start) / 50 * config.max_steps
    taken = [line for line in lines if "train_loss" in line]
    around = {
        number + after
        for number in range(0, config.max_steps + 1, config.evaluate_every)
        for after in (1, 2, 3)  # a checkpoint is written beside the steps that follow
    }
    extra = sum(
        after["seconds"] - before["seconds"] - step
        for before, after in pairwise(taken)
        if after["step"] in around
    )
    end = lines[-1]["seconds"] - taken[-1]["seconds"]
    return (data + max(0.0, extra) + end) / lines[-1]["seconds"]


def log(line: str) -> None:
    print(f"… {line}", file=sys.stderr, flush=True)


def show(figures: dict) -> None:
    def row(what: str, value: float | None, target: str) -> None:
        print(f"{what:62} {'not reached' if value is None else f'{value:.3f}':>12}   {target}")

    print(f"\n{figures['machine']}, torch {figures['torch']}\n")
    row("tokens per second to the reference's, 5 M", figures["tokens_per_second_ratio"], "≥ 2")
    row("the same, 54 M", figures["tokens_per_second_ratio_54m"], "≥ 2.5")
    row("time to the reference's last loss, of its time", figures["time_to_loss_ratio"], "≤ 0.2")
    row("tokens to that loss, of its tokens", figures["tokens_to_loss_ratio"], "≤ 0.35")
    row("held-out bits per character, equal time", figures["bpc_ratio_equal_time"], "≤ 0.85")
    row("share of time besides the steps", figures["overhead_share"], "≤ 0.03")
    print()
    for name in ("5m", "54m"):
        for who, share in figures[f"speed_{name}"]["flop_utilisation"].items():
            row(f"{who}'s share of the matrix products' peak, {name}", share, "")
    for who in ("engine", "reference"):
        row(f"{who}'s most memory, GB, 5 M", figures[who]["peak_memory_mb"] / 1024, "")


if __name__ == "__main__":
    main()
