"""Training against the reference recipe on the same token shards, in one run.

::

    make bench-train ARCHIVE=russian-literature.zip

Both models have 5 M parameters (and, for speed alone, the original experiment's 54 M). The
reference's learning rate and batch are the best of a scan, the engine's those of the dial. The
reference trains for ``--minutes``, with its decay fitted to them. The engine trains once for the
same time, and once for a fifth of it, in which it should catch up. The engine's time is that of its
whole process, with imports, compilation, estimates and checkpoints; the reference's is that of its
steps only. Prints a table and writes ``benchmarks/out/train.json``.
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
from typing import Any

import torch
from measured_process import machine
from reference_recipe import Shape, Training, train_and_score

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
SMALL: dict[str, Any] = {"layers": 4, "width": 256, "heads": 4}
LARGE: dict[str, Any] = {"layers": 3, "width": 1024, "heads": 16}
SCAN = ((8, 5e-4), (8, 1e-3), (8, 2e-3), (4, 1e-3), (16, 1e-3), (16, 2e-3))  # batch, rate
EVALUATE_TOKENS = 131072  # held-out tokens for the final score, the same for both
CATCH_UP_SHARE = 0.19  # share of the reference's time in which the engine should reach its loss
METRIC = "held_out_bits_per_character_estimate"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tokens", type=Path, help="a folder of token shards")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--scan-minutes", type=float, default=1.5)
    parser.add_argument("--rounds", type=int, default=3, help="speed measurements")
    parser.add_argument("--set", nargs="*", default=[], help="for the engine: train.field=value")
    parser.add_argument("--out", type=Path, default=HERE / "out/train.json")
    options = parser.parse_args()
    figures = measure(options, Tokens(options.tokens))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")
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
        training = Training(tokens, reference, 1e-3, 8, 10_000)
        speed = speeds(options.rounds, tokens, model, training, chosen)
        speed["flop_utilisation"] = utilisation(
            speed, model, tokens, chosen, figures["peak_gflops"]
        )
        figures[f"speed_{name}"] = speed
    figures["tokens_per_second_ratio"] = figures["speed_5m"]["ratio"]
    figures["tokens_per_second_ratio_54m"] = figures["speed_54m"]["ratio"]

    model, reference = ModelConfig(**SMALL, context=256), Shape(**SMALL, vocab=tokens.vocab_size)
    scan = []
    for batch, rate in SCAN:
        log(f"reference: batch {batch}, rate {rate:g}, {options.scan_minutes:g} min")
        seconds = 60 * options.scan_minutes
        scan.append(train_and_score(tokens, reference, rate, batch, seconds, EVALUATE_TOKENS))
    best = min(scan, key=lambda run: run["held_out_loss"])
    log(f"reference: batch {best['batch']}, rate {best['rate']:g}, {options.minutes:g} min")
    seconds = 60 * options.minutes
    plain = train_and_score(
        tokens, reference, best["rate"], best["batch"], seconds, EVALUATE_TOKENS
    )
    plain["peak_memory_mb"] = memory(options.tokens, best)
    figures |= {"reference_scan": scan, "reference": plain}

    log(f"engine: {options.minutes:g} min")
    ours = engine(tokens, model, plain["seconds"], figures["speed_5m"], chosen)
    log(f"engine: {CATCH_UP_SHARE:g} of that time")
    short = engine(tokens, model, CATCH_UP_SHARE * plain["seconds"], figures["speed_5m"], chosen)
    figures |= {"engine": ours, "engine_short": short}
    figures["bpc_ratio_equal_time"] = ours["bits_per_character"] / plain["bits_per_character"]
    figures["overhead_share"] = ours["overhead_share"]
    caught_up = short["held_out_loss"] <= plain["held_out_loss"]
    figures["reached_in_short"] = caught_up
    figures["time_to_loss_ratio"] = short["seconds"] / plain["seconds"] if caught_up else None
    figures["tokens_to_loss_ratio"] = short["tokens"] / plain["tokens"] if caught_up else None
    return figures


def peak(dtype: torch.dtype) -> float:
    """GFLOP/s of a large matrix product, the best of twelve."""
    a, b = torch.randn(4096, 1024).to(dtype), torch.randn(1024, 1024).to(dtype)
    best = 0.0
    for _ in range(12):
        start = time.perf_counter()
        a @ b
        best = max(best, 2 * 4096 * 1024 * 1024 / (time.perf_counter() - start) / 1e9)
    return round(best, 1)


def utilisation(
    speed: dict, model: ModelConfig, tokens: Tokens, chosen: dict, peaks: dict[str, float]
) -> dict[str, float]:
    """Operations per second of each, as a share of the matrix products' peak in its format."""
    precision = Precision(TrainConfig.model_validate(chosen)).name
    gflop = model.flops_per_token(tokens.vocab_size) / 1e9
    formats = {"engine": precision, "reference": "float32"}
    return {
        name: speed[f"{name}_tokens_per_second"] * gflop / peaks[number_format]
        for name, number_format in formats.items()
    }


def memory(tokens: Path, best: dict) -> float:
    """Peak memory of the reference in megabytes, trained for a few steps in its own process."""
    command = [sys.executable, str(HERE / "reference_recipe.py"), str(tokens), "--minutes", "0.1"]
    command += ["--rate", str(best["rate"]), "--batch", str(best["batch"])]
    process = subprocess.Popen([*command, "--evaluate-tokens", "2048"], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, "the reference failed"
    return usage.ru_maxrss / 1024


def speeds(
    rounds: int, tokens: Tokens, model: ModelConfig, training: Training, chosen: dict[str, str]
) -> dict:
    """Tokens per second of the engine and of a reference, in turn, and the ratios' median."""
    samples: dict[str, list[float]] = {"engine": [], "reference": []}
    parameters = {"reference": sum(weight.numel() for weight in training.model.parameters())}
    reference_steps, steps = (20, 40) if model.width < 512 else (5, 5)
    for _ in range(rounds):
        times = []
        for _ in range(reference_steps):
            start = time.perf_counter()
            training.train()
            times.append(time.perf_counter() - start)
        samples["reference"].append(
            training.batch * training.shape.context / statistics.median(times)
        )
        rarely = {"evaluate_every": steps, "checkpoint_every": steps, "evaluate_tokens": 2048}
        result = run(tokens, model, steps, {**chosen, **rarely}, evaluate_tokens=2048)
        samples["engine"].append(result["tokens_per_second"])
        parameters["engine"] = result["parameters"]
    ratios = [a / b for a, b in zip(samples["engine"], samples["reference"], strict=True)]
    return {
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "parameters": parameters,
        **{
            f"{name}_tokens_per_second": statistics.median(values)
            for name, values in samples.items()
        },
        "engine_start": result["start"],
    }


def engine(
    tokens: Tokens, model: ModelConfig, seconds: float, speed: dict, chosen: dict[str, str]
) -> dict:
    """A training process with as many steps as should take ``seconds``."""
    config = TrainConfig.model_validate({**recipe(model.width, model.context), **chosen})
    step_seconds = config.batch_size * model.context / speed["engine_tokens_per_second"]
    training_seconds = 0.96 * (seconds - speed["engine_start"])
    steps = max(10, int(training_seconds / step_seconds))
    return run(tokens, model, steps, chosen)


def run(
    tokens: Tokens,
    model: ModelConfig,
    steps: int,
    chosen: dict,
    evaluate_tokens: int = EVALUATE_TOKENS,
) -> dict:
    """One training process: its loss, its speed and its overhead."""
    derived = recipe(model.width, model.context)
    explicit = {"max_steps": steps, "compile": True, **chosen}
    config = TrainConfig.model_validate({**derived, **explicit})
    text = tokens_per_epoch(tokens, {})
    resolved = resolve_train(config, model, text, tokens.vocab_size)
    settings = TrainingSettings(model=model, train=resolved, seed=0)
    with TemporaryDirectory() as folder:
        run_folder = Path(folder)
        settings.write(run_folder)
        command = [sys.executable, "-m", "femtogpt.training", folder, str(tokens.folder)]
        start = time.time()
        process = subprocess.Popen(command, cwd=HERE.parent)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.time() - start
        assert status == 0, "the training failed"
        lines = read_metrics(run_folder / METRICS_FILE)
        size = (run_folder / "model.safetensors").stat().st_size
        sequences = spread_evenly(tokens.shards("held_out"), model.context, evaluate_tokens)
        loss = mean_nats(load_model(run_folder, "cpu"), sequences, (8, model.context))
    per_character = tokens.total("held_out") / tokens.total("held_out", "characters")
    steps_taken = [line for line in lines if "train_loss" in line]
    times = [after["seconds"] - before["seconds"] for before, after in pairwise(steps_taken)]
    step_seconds = statistics.median(times)
    return {
        "parameters": size // 4,
        "steps": steps,
        "tokens": lines[-1]["tokens"],
        "seconds": seconds,
        "start": lines[0]["time"] - start,
        "tokens_per_second": steps_taken[0]["tokens"] / step_seconds,
        "overhead_share": overhead(settings, tokens, lines, step_seconds),
        "held_out_loss": loss,
        "bits_per_character": loss / math.log(2) * per_character,
        "peak_memory_mb": usage.ru_maxrss / 1024,
        "course": [
            {"tokens": line["tokens"], "seconds": line["time"] - start, METRIC: line[METRIC]}
            for line in lines
            if METRIC in line
        ],
    }


def overhead(
    settings: TrainingSettings, tokens: Tokens, lines: list[dict], step_seconds: float
) -> float:
    """The share of a training's time spent outside its steps.

    That is the time that steps around estimates and checkpoints took beyond the median
    ``step_seconds``, and the time for making batches.
    """
    config, context = settings.train, settings.model.context
    max_steps, evaluate_every = config.max_steps, config.evaluate_every
    batches = Batches(tokens.shards("train"), context, config.batch_size, settings.seed)
    start = time.perf_counter()
    for number in range(50):
        batches.batch(number)
    batch_seconds = (time.perf_counter() - start) / 50 * max_steps
    steps_taken = [line for line in lines if "train_loss" in line]
    around = {
        number + after
        for number in range(0, max_steps + 1, evaluate_every)
        for after in (1, 2, 3)  # a checkpoint is written during the following steps
    }
    extra = sum(
        after["seconds"] - before["seconds"] - step_seconds
        for before, after in pairwise(steps_taken)
        if after["step"] in around
    )
    end = lines[-1]["seconds"] - steps_taken[-1]["seconds"]
    return (batch_seconds + max(0.0, extra) + end) / lines[-1]["seconds"]


def log(line: str) -> None:
    print(f"… {line}", file=sys.stderr, flush=True)


def show(figures: dict) -> None:
    def row(label: str, value: float | None, target: str) -> None:
        print(f"{label:62} {'not reached' if value is None else f'{value:.3f}':>12}   {target}")

    print(f"\n{figures['machine']}, torch {figures['torch']}\n")
    row("tokens per second, ratio to the reference, 5 M", figures["tokens_per_second_ratio"], "≥ 2")
    row("the same, 54 M", figures["tokens_per_second_ratio_54m"], "≥ 2.5")
    row(
        "time to the reference's final loss, share of its time",
        figures["time_to_loss_ratio"],
        "≤ 0.2",
    )
    row("tokens to that loss, share of its tokens", figures["tokens_to_loss_ratio"], "≤ 0.35")
    row("held-out bits per character, equal time", figures["bpc_ratio_equal_time"], "≤ 0.85")
    row("share of time outside the steps", figures["overhead_share"], "≤ 0.03")
    print()
    for name in ("5m", "54m"):
        for contender, share in figures[f"speed_{name}"]["flop_utilisation"].items():
            row(f"{contender}: share of the matrix products' peak, {name}", share, "")
    for contender in ("engine", "reference"):
        row(f"{contender}: peak memory, GB, 5 M", figures[contender]["peak_memory_mb"] / 1024, "")


if __name__ == "__main__":
    main()
