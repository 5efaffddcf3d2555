"""The report stage: the loss plot, and a summary of what was made."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.store import Store
from femtogpt.corpus.corpus_warnings import corpus_warnings
from femtogpt.evaluation.evaluate import EVALUATION_FILE
from femtogpt.generation.samples import SAMPLES_FILE
from femtogpt.training.metrics import METRICS_FILE, read_metrics

SUMMARY, PLOT = "summary.txt", "loss.png"
SAMPLES_SHOWN = 3  # samples in the summary
MAX_SAMPLE_CHARACTERS = 600  # characters of a sample in the summary
IN_SENTENCES = {  # metrics that the summary names in lines of its own
    "held_out_bits_per_character",
    "held_out_loss",
    "entropy_bits_per_character",
    "train_bits_per_character_estimate",
}


def write_report(store: Store, name: str, artifacts: Mapping[str, Artifact]) -> Artifact:
    """``loss.png`` and ``summary.txt`` of a pipeline.

    ``artifacts`` are corpus, tokenizer, tokens, run, evaluation and samples.
    """

    def build(folder: Path) -> dict[str, Any]:
        evaluation = json.loads((artifacts["evaluation"].path / EVALUATION_FILE).read_text("utf-8"))
        lines = read_metrics(artifacts["run"].path / METRICS_FILE)
        plot(lines, _floor(evaluation["held_out"]), name, folder / PLOT)
        samples = json.loads((artifacts["samples"].path / SAMPLES_FILE).read_text("utf-8"))
        text = summary(artifacts, evaluation, samples, lines)
        (folder / SUMMARY).write_text(text, encoding="utf-8")
        return {}

    return store.make(recipe(name, artifacts), build)


def recipe(name: str, artifacts: Mapping[str, Artifact]) -> Recipe:
    """What determines the report of a configuration of this name."""
    return Recipe("report", code_of(__name__), {"name": name}, artifacts)


def summary(
    artifacts: Mapping[str, Artifact],
    evaluation: dict[str, Any],
    samples: list[dict[str, str]],
    lines: list[dict[str, Any]],
) -> str:
    """How much text, which model, its quality and some samples, as lines of text."""
    corpus, tokens = artifacts["corpus"].counts, artifacts["tokens"].counts
    held_out, run = evaluation["held_out"], artifacts["run"].counts
    share = corpus["held_out_characters"] / (
        corpus["held_out_characters"] + corpus["train_characters"]
    )
    by_chapter = artifacts["corpus"].manifest["config"].get("unit") == "chapter"
    units = "chapters" if by_chapter else "works"
    parts = [
        f"Corpus      {corpus['documents_read']:,} works, {_millions(corpus['characters_read'])}"
        f" characters; {corpus['documents_rejected']:,} rejected;"
        f" {corpus['held_out_documents']:,} {units} ({share:.1%} of the characters) held out",
        *_labelled("Cleaning", corpus_warnings(artifacts["corpus"])),
        f"Tokens      {_millions(tokens['train_tokens'])} for training,"
        f" {_millions(tokens['held_out_tokens'])} held out;"
        f" {artifacts['tokenizer'].counts['pieces']:,} pieces,"
        f" {tokens['characters_per_token']:.2f} characters per token",
        f"Model       {_millions(run['parameters'])} parameters; {run['steps']:,} steps,"
        f" {_millions(run['tokens'])} tokens ({run['tokens'] / tokens['train_tokens']:.1f} epochs)"
        f" in {_duration(lines[-1]['seconds'])}",
        f"Held out    {held_out['bits_per_character']:.3f} bits per character"
        f" ({held_out['loss']:.3f} nats per token);"
        f" train {evaluation['train']['bits_per_character_estimate']:.3f}",
    ]
    if held_out["entropy"] is not None:
        parts.append(
            f"            {held_out['entropy']:.3f} is the text's true entropy:"
            f" the model is at {held_out['bits_per_character'] / held_out['entropy']:.3f} times it"
        )
    for name, metric in evaluation.get("metrics", {}).items():
        if name not in IN_SENTENCES and metric["value"] is not None:
            parts.append(f"            {metric['value']:.4g} {metric['unit']}: {_words(name)}")
    for number, sample in enumerate(samples[:SAMPLES_SHOWN], 1):
        text = sample["prompt"] + sample["text"]
        if len(text) > MAX_SAMPLE_CHARACTERS:
            text = text[:MAX_SAMPLE_CHARACTERS].rsplit(" ", 1)[0] + " …"
        parts += ["", f"Sample {number}", *(f"    {line}".rstrip() for line in text.split("\n"))]
    return "\n".join(parts) + "\n"


def _labelled(label: str, lines: list[str]) -> list[str]:
    """Lines of the summary, the first of them with a label."""
    return [f"{'' if number else label:11} {line}" for number, line in enumerate(lines)]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _millions(count: int) -> str:
    return f"{count / 1e6:.2f} M" if count >= 1e5 else f"{count:,}"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def _floor(held_out: Mapping[str, Any]) -> float | None:
    """The text's true entropy in nats per token, below which no loss can be; None if unknown."""
    if held_out["entropy"] is None:
        return None
    tokens_per_character = held_out["tokens"] / held_out["characters"]
    return float(held_out["entropy"]) * math.log(2) / tokens_per_character


def plot(lines: list[dict[str, Any]], floor: float | None, name: str, path: Path) -> None:
    """Plot train and held-out loss by tokens, and the true entropy if it is known, as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), dpi=120)
    train = [(line["tokens"] / 1e6, line["train_loss"]) for line in lines if "train_loss" in line]
    held_out = [
        (line["tokens"] / 1e6, line["held_out_loss"]) for line in lines if "held_out_loss" in line
    ]
    axes.plot(*zip(*train, strict=True), linewidth=0.6, alpha=0.5, label="train, each step")
    axes.plot(*zip(*held_out, strict=True), marker="o", markersize=3, label="held out")
    if floor is not None:
        axes.axhline(floor, color="black", linestyle="--", linewidth=1, label="true entropy")
    axes.set(xlabel="tokens, millions", ylabel="loss, nats per token", title=name)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)
