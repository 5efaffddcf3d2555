"""The training stage: the recipe of a run, and the folder in which it is trained.

The caller decides how ``femtogpt.training`` is run in that folder, and what watches it.
"""

from __future__ import annotations

import logging
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from femtogpt.artifacts.again import is_requested
from femtogpt.artifacts.artifact import Artifact, Recipe, discard_damaged
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.disk import write_atomic
from femtogpt.artifacts.store import Store
from femtogpt.config import TrainConfig
from femtogpt.model.files import CHECKPOINTS, WEIGHTS_FILE
from femtogpt.scaling import beta2
from femtogpt.tokens.shards import Tokens
from femtogpt.tokens.tokenizer import TOKENIZER_FILE
from femtogpt.train_config import DEFAULT_EVALUATIONS
from femtogpt.training.continuation import (
    continue_from,
    differ_in_length_only,
    is_in_use,
    newest_step,
    read_settings,
    take_over,
)
from femtogpt.training.metrics import METRICS_FILE, read_metrics
from femtogpt.training.settings import TrainingSettings, tokens_per_epoch

log = logging.getLogger(__name__)
# Where and how fast to train, and how often to save, does not change what is learned.
WITHOUT_EFFECT = {
    *("device", "threads", "compile", "activation_checkpointing", "memory_gb"),
    *("processes", "parallel", "hours", "hours_without_card"),
    *("checkpoint_every", "checkpoint_minutes", "sample_every"),
    # The weights' checksums count, not their paths. Each generation is a training of its own.
    *("keep_checkpoints", "init_from", "teacher", "generations"),
}
# Newer than trainings that people have: at its default, or as the dial has it, such a setting
# leaves their digests alone.
ADDED = {
    *("beta2", "embedding_init", "first_context", "input_noise"),
    *("ngram_share", "ngram_tokens", "softmax_tokens", "subword_rate", "teacher_share"),
}
DIGESTED_EVALUATIONS = 20  # as many as there were by default: in digests they still are


def run_training(
    store: Store,
    settings: TrainingSettings,
    tokens: Artifact,
    train: Callable[[Path, Path], None],
    fresh: bool = False,
    name: str = "run",
) -> Artifact:
    """Make the run artifact: settings, tokenizer, metrics, final weights and the last checkpoints.

    ``train(run folder, token folder)`` trains, resuming from what is in the run folder; what it
    leaves there when it raises is kept for the next call. The training continues a shorter one
    with otherwise the same settings (see ``training.continuation``), unless it is to be ``fresh``
    or a person asks for it again: then it starts from the first step. ``name`` is that of the
    stage. A finished run that is damaged is mended without training if its weights and metrics are
    whole.
    """
    earlier = None
    if not (fresh or is_requested("run", recipe(settings, tokens).digest)):
        settings, earlier = continued(store, settings, tokens)

    def build(folder: Path) -> dict[str, Any]:
        lacking = discard_damaged(folder)
        for name in lacking or ():  # a checkpoint is whole or of no use
            if name.startswith(f"{CHECKPOINTS}/"):
                shutil.rmtree((folder / name).parent, ignore_errors=True)
        is_trained = lacking is not None and not lacking & {WEIGHTS_FILE, METRICS_FILE}
        if earlier is not None and not newest_step(folder) and not is_trained:
            take_over(earlier, folder)
        settings.write(folder)
        write_atomic(folder / TOKENIZER_FILE, (tokens.path / TOKENIZER_FILE).read_bytes())
        if not is_trained:
            train(folder, tokens.path)
        last = read_metrics(folder / METRICS_FILE)[-1]
        return {
            "steps": last["step"],
            "tokens": last["tokens"],
            "seconds": last["seconds"],
            "parameters": _parameters(folder / WEIGHTS_FILE),
        }

    needed = 0 if earlier else bytes_to_write(settings, Tokens(tokens.path).vocab_size)
    return store.make(recipe(settings, tokens), build, resumable=True, name=name, needed=needed)


def bytes_to_write(settings: TrainingSettings, vocab_size: int) -> int:
    """The least that a training from its first step leaves; it asks for what it needs itself.

    Each number of the model is in the weights and, at least once, in the optimizer's state; in the
    end there are also the best weights and the final ones.
    """
    model, train = 4 * settings.model.parameters(vocab_size), settings.train
    checkpoints = min(train.keep_checkpoints, train.max_steps // train.checkpoint_every + 1)
    return checkpoints * 2 * model + 2 * model


def recipe(settings: TrainingSettings, tokens: Artifact) -> Recipe:
    """What determines a training; edited code discards none, so it is only recorded."""
    ingredients = settings.as_dict()
    usual = {name: TrainConfig.model_fields[name].default for name in ADDED}
    usual["beta2"] = beta2(settings.train.batch_size * settings.model.context)
    train = {
        key: value
        for key, value in ingredients["train"].items()
        if key not in WITHOUT_EFFECT and not (key in usual and value == usual[key])
    }
    if train["evaluate_every"] == max(1, settings.train.max_steps // DEFAULT_EVALUATIONS):
        train["evaluate_every"] = max(1, settings.train.max_steps // DIGESTED_EVALUATIONS)
    origins = [origin["weights"] for origin in settings.lineage]
    ingredients |= {"train": train, "lineage": origins}
    if settings.teacher:
        ingredients["teacher"] = settings.teacher["weights"]
    return Recipe(
        "run",
        code_of(__name__, "femtogpt.training.__main__"),  # which is a process of its own
        ingredients,
        {"tokens": tokens},
        version=2,
        names={
            "weights": "sources.*.weight",
            "lineage": "=the weights of train.init_from",
            "teacher": "=the weights of train.teacher",
            "continuations": "=the training that it continues",
        },
    )


def continued(
    store: Store, settings: TrainingSettings, tokens: Artifact
) -> tuple[TrainingSettings, Path | None]:
    """The settings as a continuation, if there is an earlier training; and its folder.

    The folder is None if nothing is to be taken over: the training is new, finished or resumed.
    A finished training comes first, then an unfinished one, then the longest of the shorter ones.
    """
    exact = recipe(settings, tokens)
    if store.path(exact).exists() or store.was_made_again(exact):
        return settings, None
    text = tokens_per_epoch(Tokens(tokens.path), settings.weights)
    steps = settings.train.max_steps
    same: list[tuple[bool, int, Path, TrainingSettings]] = []
    shorter: list[tuple[int, int, Path, TrainingSettings]] = []
    for file in (store.root / exact.kind).glob("*/settings.json"):  # partial ones too
        run = file.parent
        earlier = read_settings(run)
        if earlier is None or not differ_in_length_only(settings, earlier, WITHOUT_EFFECT, text):
            continue
        own = recipe(earlier, tokens)
        is_partial = run == store.partial(own)
        if not (is_partial or run == store.path(own)):  # of other tokens, or an older attempt
            continue
        from_start = earlier.model_copy(update={"continuations": ()})
        if earlier.continuations and store.was_made_again(recipe(from_start, tokens)):
            continue
        step = newest_step(run)
        if earlier.train.max_steps == steps and step:
            ours = settings.model_copy(update={"continuations": earlier.continuations})
            if recipe(ours, tokens).digest == own.digest:  # not evaluated at other steps
                same.append((not is_partial, step, run, earlier))
        elif earlier.train.max_steps < steps and 0 < step < steps:
            if is_partial and is_in_use(run):
                log.info("%s is being trained now: it is not continued", run)
                continue
            shorter.append((step, -len(earlier.continuations), run, earlier))
    if same:
        *_, earlier = max(same, key=lambda item: item[:3])
        return settings.model_copy(update={"continuations": earlier.continuations}), None
    if store.partial(exact).exists():
        return settings, None
    for *_, run, earlier in sorted(shorter, key=lambda item: item[:3], reverse=True):
        if continuation := continue_from(run, earlier):
            continuations = (*earlier.continuations, continuation)
            return settings.model_copy(update={"continuations": continuations}), run
    return settings, None


def _parameters(weights: Path) -> int:
    """The number of parameters in a safetensors file, from its header."""
    from safetensors import safe_open

    with safe_open(weights, framework="np") as file:
        return sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
