"""The report stage: the loss plot, a summary of what was made, and a page with everything."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.store import Store
from femtogpt.corpus.corpus_warnings import corpus_warnings
from femtogpt.evaluation.baseline import Baseline, baselines_of
from femtogpt.evaluation.baseline_words import comparison, duration
from femtogpt.evaluation.evaluate import EVALUATION_FILE
from femtogpt.generation.samples import SAMPLES_FILE
from femtogpt.memorisation import memory_stage
from femtogpt.memorisation.memory_words import summary_lines
from femtogpt.report.run_facts import RunFacts
from femtogpt.report.run_page import run_page
from femtogpt.training.metrics import METRICS_FILE, read_metrics

SUMMARY, PLOT, PAGE = "summary.txt", "loss.png", "report.html"
SAMPLES_SHOWN = 3  # samples in the summary
MAX_SAMPLE_CHARACTERS = 600  # characters of a sample in the summary
IN_SENTENCES = {  # metrics that the summary names in lines of its own
    "held_out_bits_per_character",
    "held_out_loss",
    "entropy_bits_per_character",
    "train_bits_per_character_estimate",
}


def write_report(store: Store, name: str, artifacts: Mapping[str, Artifact]) -> Artifact:
    """``loss.png``, ``summary.txt`` and ``report.html`` of a pipeline.

    ``artifacts`` are corpus, tokenizer, tokens, run, evaluation, samples, memory and the baselines;
    the last two may be left out.
    """

    def build(folder: Path) -> dict[str, Any]:
        evaluation = json.loads((artifacts["evaluation"].path / EVALUATION_FILE).read_text("utf-8"))
        lines = read_metrics(artifacts["run"].path / METRICS_FILE)
        plot(lines, evaluation["held_out"], name, folder / PLOT, baselines_of(artifacts))
        samples = json.loads((artifacts["samples"].path / SAMPLES_FILE).read_text("utf-8"))
        text = summary(artifacts, evaluation, samples, lines)
        (folder / SUMMARY).write_text(text, encoding="utf-8")
        page = run_page(RunFacts(name, artifacts["run"].path, artifacts))
        (folder / PAGE).write_text(page, encoding="utf-8")
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
        f" in {duration(lines[-1]['seconds'])}",
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
    baselines = baselines_of(artifacts)
    parts += _labelled("Baselines", comparison(baselines, held_out["bits_per_character"], lines))
    if memory := artifacts.get(memory_stage.KIND):
        train_bits = evaluation["train"]["bits_per_character_estimate"]
        gap = held_out["bits_per_character"] - train_bits
        parts += _labelled("Memory", summary_lines(memory, gap))
    for number, sample in enumerate(samples[:SAMPLES_SHOWN], 1):
        text = sample["prompt"] + sample["text"]
        if len(text) > MAX_SAMPLE_CHARACTERS:
            text = text[:MAX_SAMPLE_CHARACTERS].rsplit(" ", 1)[0] + " …"
        parts += ["", f"Sample {number}", *(f"    {line}".rstrip() for line in text.split("\n"))]
    return "\n".join(parts) + "\n"


def _labelled(label: str, lines: Iterable[str]) -> list[str]:
    """Lines of the summary, the first of them with a label."""
    return [f"{'' if number else label:11} {line}" for number, line in enumerate(lines)]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _millions(count: int) -> str:
    return f"{count / 1e6:.2f} M" if count >= 1e5 else f"{count:,}"


def plot(
    lines: list[dict[str, Any]],
    held_out: Mapping[str, Any],
    name: str,
    path: Path,
    baselines: Mapping[str, Baseline],
) -> None:
    """Plot train and held-out loss by tokens as a PNG, with the baselines and the true entropy.

    ``held_out`` are the evaluation's figures; the entropy is None where it is not known.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), dpi=120)
    train = [(line["tokens"] / 1e6, line["train_loss"]) for line in lines if "train_loss" in line]
    estimates = [
        (line["tokens"] / 1e6, line["held_out_loss"]) for line in lines if "held_out_loss" in line
    ]
    axes.plot(*zip(*train, strict=True), linewidth=0.6, alpha=0.5, label="train, each step")
    axes.plot(*zip(*estimates, strict=True), marker="o", markersize=3, label="held out")
    # Held-out text has one ratio of characters to tokens, so that one line shows both units.
    nats_per_bit = math.log(2) * held_out["characters"] / held_out["tokens"]
    for number, baseline in enumerate(baselines.values(), 2):
        bits = baseline.bits_per_character
        label = f"{baseline.title}: {bits:.3f} bits per character"
        axes.axhline(bits * nats_per_bit, color=f"C{number}", linewidth=1, label=label)
    if held_out["entropy"] is not None:
        entropy = held_out["entropy"] * nats_per_bit
        axes.axhline(entropy, color="black", linestyle="--", linewidth=1, label="true entropy")
    units = (lambda nats: nats / nats_per_bit), (lambda bits: bits * nats_per_bit)
    axes.secondary_yaxis("right", functions=units).set_ylabel("held out, bits per character")
    axes.set(xlabel="tokens, millions", ylabel="loss, nats per token", title=name)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)
