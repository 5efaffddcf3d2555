"""The stage that chooses what to train in ``train.hours``: made once, then kept.

What was chosen depends on how fast the machine was at that moment. It is an artifact, so that a
second start goes on with the same training.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.disk import write_atomic
from femtogpt.artifacts.store import Store
from femtogpt.config import Config
from femtogpt.config_file import with_hours
from femtogpt.errors import UserError
from femtogpt.processor import processor
from femtogpt.scaling_law import law_for
from femtogpt.tokens.shards import Tokens
from femtogpt.training.budget import Budget, Choice, duration, told
from femtogpt.training.settings import tokens_per_epoch
from femtogpt.training.training_stage import WITHOUT_EFFECT

KIND = "choice"
CHOICE_FILE = "choice.json"
USER_ERROR = 2  # the status of the process
# What changes how fast it is trained changes what is chosen.
FASTER = {"device", "threads", "compile", "activation_checkpointing", "processes", "parallel"}
log = logging.getLogger(__name__)


def for_this_machine(config: Config) -> Config:
    """The configuration with ``train.hours_without_card`` as its hours, where there is no card."""
    hours = config.train.hours_without_card
    if hours is None or config.train.hours is not None:
        return config
    from femtogpt.model.loading import find_device  # imports torch

    if find_device(config.train.device).type == "cuda":
        return config
    log.info(
        "no card: training for %s (train.hours_without_card); HOURS=… changes that",
        duration(3600 * hours),
    )
    return with_hours(config, hours)


def recipe(config: Config, tokens: Artifact) -> Recipe:
    """What determines a choice: it stays when the code or the law is a newer one."""
    budget = _budget(config, tokens)
    ignored = WITHOUT_EFFECT - FASTER
    settings = {
        "hours": config.train.hours,
        "generations": config.train.generations,
        "model": dict(budget.model),
        "train": {name: value for name, value in budget.train.items() if name not in ignored},
        "machine": processor(),
    }
    return Recipe(
        KIND,
        code_of(__name__, "femtogpt.training.budget_process"),
        settings,
        {"tokens": tokens},
        version=1,
        names={"hours": "train.hours", "machine": "=the processor"},
    )


def choose(store: Store, config: Config, tokens: Artifact) -> Artifact:
    """Choose what to train, or find what was chosen; and say so."""

    def build(folder: Path) -> dict[str, Any]:
        budget = _budget(config, tokens)
        log.info("measuring this machine, to choose what to train in %s", _hours(config))
        choice = _chosen_by_process(budget, law_for(config.name, config.paths.data).as_dict())
        content = json.dumps(choice.as_dict(), indent=1)
        write_atomic(folder / CHOICE_FILE, content.encode())
        counts = {
            "parameters": choice.parameters,
            "steps": choice.train.max_steps,
            "seconds": round(choice.seconds),
        }
        expected = {"expected_bits": round(choice.expected.bits, 4)}
        return {**counts, **(expected if choice.is_its_text else {})}

    artifact = store.make(recipe(config, tokens), build, name=KIND)
    for line in told(read_choice(artifact), config.train.hours or 0):
        log.info("%s", line)
    return artifact


def read_choice(artifact: Artifact) -> Choice:
    """What was chosen. Raises UserError for a choice that another version has kept otherwise."""
    file = artifact.path / CHOICE_FILE
    try:
        return Choice.of(json.loads(file.read_bytes()))
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{file} was kept by another version of femtoGPT: make pipeline … AGAIN=choose"
            " chooses anew"
        ) from error


def with_choice(config: Config, artifact: Artifact) -> Config:
    """The configuration with what was chosen: a training like any other."""
    choice = read_choice(artifact)
    # Where, how fast and how often to save may be set anew at a second start.
    anew = config.train.model_dump(include=WITHOUT_EFFECT & config.train.model_fields_set)
    train = choice.train.model_copy(update=anew)
    return config.model_copy(update={"model": choice.model, "train": train})


def _budget(config: Config, tokens: Artifact) -> Budget:
    shards = Tokens(tokens.path)
    weights = {name: source.weight for name, source in config.sources.items()}
    return Budget.of(config, tokens_per_epoch(shards, weights), shards.vocab_size)


def _hours(config: Config) -> str:
    return duration(3600 * (config.train.hours or 0))


def _chosen_by_process(budget: Budget, law: dict[str, Any]) -> Choice:
    """In a process that begins as a training does: its memory and threads are like those."""
    process = subprocess.run(
        [sys.executable, "-m", "femtogpt.training.budget_process"],
        input=json.dumps({"budget": asdict(budget), "law": law}),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    last = (process.stderr.strip().splitlines() or ["it was killed"])[-1]
    if process.returncode == USER_ERROR:
        raise UserError(last)
    if process.returncode:
        raise UserError(f"the machine could not be measured for train.hours: {last}")
    return Choice.of(json.loads(process.stdout.splitlines()[-1]))
