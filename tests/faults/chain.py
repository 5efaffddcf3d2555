"""The pipeline's stages one after another, as the flow runs them, without Prefect and MLflow.

The clocks of the stages stand still: so all that they leave can be compared, byte by byte.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.store import Build, Store
from femtogpt.config import Config
from femtogpt.corpus.build import build_corpus
from femtogpt.errors import Stopped, UserError
from femtogpt.evaluation.evaluate import evaluate
from femtogpt.evaluation.ngram_baseline import score_ngram
from femtogpt.evaluation.ppmd_baseline import score_ppmd
from femtogpt.generation.samples import write_samples
from femtogpt.memorisation.index_stage import build_index
from femtogpt.memorisation.memory_stage import look_up_samples
from femtogpt.report.run_report import write_report
from femtogpt.scaling_law import Expected
from femtogpt.sources.fetch import fetch, pinned
from femtogpt.tokens.shards import Tokens, write_tokens
from femtogpt.tokens.tokenizer import train_tokenizer
from femtogpt.training import __main__ as training_process
from femtogpt.training.budget import Choice
from femtogpt.training.budget_stage import choose, with_choice
from femtogpt.training.settings import resolve
from femtogpt.training.training_stage import run_training

STAGES = (
    *("raw", "corpus", "tokenizer", "tokens", "choice", "run", "evaluation", "samples"),
    *("text_index", "memory", "ngram", "ppmd", "report"),
)
SMALL = """
sources:
  stories: {kind: sample, characters: 30000}
  texts: {kind: files, path: TEXTS}
corpus: {held_out: 0.1}
tokenizer: {vocab_size: 400}
model: {layers: 1, width: 32, heads: 2, context: 32, dropout: 0.1}
train: {max_steps: 30, batch_size: 4, checkpoint_every: 5, evaluate_every: 10, threads: 1,
        device: cpu, precision: float32, compile: false, keep_checkpoints: 1, sample_every: 15,
        evaluate_tokens: 500}
samples: {tokens: 10}
"""


def run_chain(
    config: Config,
    begins: Callable[[str], None],
    builds: Callable[[], None] = lambda: None,
) -> None:
    """Run all stages; ``begins(stage)`` is called before each, and in the end.

    ``builds()`` is called when what a stage makes is begun, after all that is looked at before.
    """
    store, made = _Observed.of(config), {}
    store.builds = builds
    with standing_clocks():
        begins("raw")
        sources = {name: pinned(store, name, source) for name, source in config.sources.items()}
        raws = {name: fetch(store, name, source) for name, source in sources.items()}
        config = config.model_copy(update={"sources": sources})
        stages = {
            "corpus": lambda: build_corpus(store, config, raws),
            "tokenizer": lambda: train_tokenizer(store, config, made["corpus"]),
            "tokens": lambda: write_tokens(store, config, made["corpus"], made["tokenizer"]),
            "choice": lambda: _choice(store, config, made["tokens"]),
            "run": lambda: _run(store, with_choice(config, made["choice"]), made["tokens"]),
            "evaluation": lambda: evaluate(
                store, config, made["corpus"], made["tokens"], made["run"]
            ),
            "samples": lambda: write_samples(store, config, made["tokens"], made["run"]),
            "text_index": lambda: build_index(store, made["corpus"]),
            "memory": lambda: look_up_samples(
                store, made["corpus"], made["samples"], made["text_index"]
            ),
            "ngram": lambda: score_ngram(store, config, made["tokens"]),
            "ppmd": lambda: score_ppmd(store, config, made["corpus"]),
            "report": lambda: write_report(store, config.name, made),
        }
        for name, make in stages.items():
            begins(name)
            made[name] = make()
        begins("end")


class _Observed(Store):
    """A store that tells when an artifact is begun."""

    builds: Callable[[], None]

    def make(self, recipe: Recipe, build: Build, *options: Any, **named: Any) -> Artifact:
        def told(folder: Path) -> Mapping[str, Any]:
            self.builds()
            return build(folder)

        return super().make(recipe, told, *options, **named)


@contextmanager
def standing_clocks() -> Iterator[None]:
    """Within this, no time passes for what artifacts record of times."""
    clock = SimpleNamespace(monotonic=lambda: 0.0, time=lambda: 0.0)
    calendar = SimpleNamespace(
        now=lambda zone: datetime(2026, 1, 1, tzinfo=zone), fromisoformat=datetime.fromisoformat
    )
    with (
        mock.patch("femtogpt.artifacts.store.time", clock),
        mock.patch("femtogpt.artifacts.artifact.datetime", calendar),
        mock.patch("femtogpt.training.trainer.time", clock),
        mock.patch("femtogpt.training.running_clock.time", clock),
        mock.patch("femtogpt.report.run_page.time", clock),
    ):
        yield


def _choice(store: Store, config: Config, tokens: Artifact) -> Artifact:
    """As for a time, and what is chosen is the configuration's own: to measure takes minutes."""
    timed = config.model_copy(update={"train": config.train.model_copy(update={"hours": 1.0})})
    figures = {"parameters": 1, "size": 1.0, "tokens": 1, "text": 1.0, "seconds": 1.0}
    expected = Expected(1.0, 1.0, 1.0)
    known = {"basis": "nothing", "is_its_text": False, "compiled": False}
    chosen = Choice(config.model, config.train, **figures, expected=expected, **known)
    with mock.patch("femtogpt.training.budget_stage._chosen_by_process", lambda *_: chosen):
        return choose(store, timed, tokens)


def _run(store: Store, config: Config, tokens: Artifact) -> Artifact:
    return run_training(store, resolve(config, Tokens(tokens.path)), tokens, trained)


def trained(run: Path, tokens: Path) -> None:
    """What the training's own process does, in this one."""
    command = ["femtogpt.training", str(run), str(tokens)]
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    said = [""]
    tell = mock.patch.object(
        training_process.logging, "error", lambda form, *values: said.append(form % values)
    )
    try:
        with tell, mock.patch.object(sys, "argv", command):
            status = training_process.main()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if status == training_process.STOPPED:
        raise Stopped("the training stopped")
    if status:
        raise UserError(said[-1] or f"the training ended with status {status}")
