"""The stages as Prefect tasks.

The artifacts' digests alone decide whether a stage has to run, so Prefect's own cache is off. Tasks
pass on artifacts (paths and digests), never their contents.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, cast

from prefect import task
from prefect.cache_policies import NO_CACHE

from femtogpt.artifacts.artifact import Artifact, read_recipe
from femtogpt.artifacts.store import Store
from femtogpt.config import Config
from femtogpt.corpus.build import build_corpus
from femtogpt.errors import Pruned
from femtogpt.evaluation import baseline
from femtogpt.evaluation.evaluate import evaluate
from femtogpt.evaluation.ngram_baseline import score_ngram
from femtogpt.evaluation.ppmd_baseline import score_ppmd
from femtogpt.generation.samples import write_samples
from femtogpt.memorisation import index_stage, memory_stage
from femtogpt.memorisation.index_stage import build_index
from femtogpt.memorisation.memory_stage import look_up_samples
from femtogpt.report.run_report import write_report
from femtogpt.sources.base import Source
from femtogpt.sources.fetch import fetch, pinned
from femtogpt.tokens.shards import Tokens, write_tokens
from femtogpt.tokens.tokenizer import train_tokenizer
from femtogpt.training.budget_stage import choose
from femtogpt.training.settings import resolve
from femtogpt.training.training_stage import run_training
from tasks import prefect_artifacts
from tasks.device_lock import device_lock
from tasks.mlflow_run import MLflowRun
from tasks.training_process import Watch, supervise

MAX_WAIT_SECONDS = 600.0  # that a server may ask for; what asks for more is not tried again
log = logging.getLogger("femtogpt.tasks")


def _store(config: Config) -> Store:
    return Store.of(config)


def _source(config: Config, name: str) -> Source:
    """A source, by the type that reading a configuration gives it."""
    return cast(Source, config.sources[name])


def _is_worth_another_try(task, run, state) -> bool:
    """Whether a failed task may succeed now, after the time that a server asked to wait."""
    error = state.result(raise_on_failure=False)
    wait = getattr(error, "retry_after", 0.0)
    if not isinstance(error, ConnectionError) or wait > MAX_WAIT_SECONDS:
        return False
    log.warning("%s", str(error).splitlines()[0])
    time.sleep(wait)
    return True


@task(name="pin", task_run_name="pin", cache_policy=NO_CACHE)
def pin(config: Config) -> Config:
    """The configuration with each remote source fixed to a version, for the whole run."""
    store = _store(config)
    with ThreadPoolExecutor() as pool:  # each waits for an answer
        versions = pool.map(lambda name: pinned(store, name, _source(config, name)), config.sources)
        sources = dict(zip(config.sources, versions, strict=True))
    return config.model_copy(update={"sources": sources})


@task(
    name="fetch",
    task_run_name="fetch {name}",
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=[5, 20, 60],
    retry_jitter_factor=0.5,
    retry_condition_fn=_is_worth_another_try,
)
def fetch_source(config: Config, name: str) -> Artifact:
    """Fetch a source's bytes."""
    return fetch(_store(config), name, _source(config, name))


@task(name="corpus", task_run_name="corpus", cache_policy=NO_CACHE)
def corpus(config: Config, raws: Mapping[str, Artifact]) -> Artifact:
    """Clean, check and split the documents of all sources."""
    artifact = build_corpus(_store(config), config, raws)
    if artifact.made:
        prefect_artifacts.show_corpus(artifact)
    return artifact


@task(name="tokenizer", task_run_name="tokenizer", cache_policy=NO_CACHE)
def tokenizer(config: Config, corpus: Artifact) -> Artifact:
    """Train the tokenizer on the train split."""
    return train_tokenizer(_store(config), config, corpus)


@task(name="tokens", task_run_name="tokens", cache_policy=NO_CACHE)
def tokens(config: Config, corpus: Artifact, tokenizer: Artifact) -> Artifact:
    """Encode the corpus into token shards."""
    return write_tokens(_store(config), config, corpus, tokenizer)


@task(name="choose", task_run_name="choose", tags=["training"], cache_policy=NO_CACHE)
def choice(config: Config, tokens: Artifact) -> Artifact:
    """Choose what to train in ``train.hours``, by this machine's speed."""
    with device_lock(config.train):
        return choose(_store(config), config, tokens)


@task(name="train", task_run_name="train", tags=["training"], cache_policy=NO_CACHE)
def train(config: Config, tokens: Artifact, mlflow_run: MLflowRun, stage: str = "run") -> Artifact:
    """Train in a child process, going on from its last checkpoint, and forward its metrics."""
    return _train(config, tokens, mlflow_run, stage)


@task(name="train", task_run_name="train", tags=["training"], cache_policy=NO_CACHE)
def train_trial(
    config: Config, tokens: Artifact, mlflow_run: MLflowRun, watch: Watch
) -> Artifact | None:
    """As ``train``, for a sweep: None if ``watch`` ended the training early."""
    try:
        return _train(config, tokens, mlflow_run, watch=watch)
    except Pruned as reason:
        log.info("train: ended early, %s", reason)
        mlflow_run.end("FINISHED", f"pruned: {reason}")
        return None


def _train(
    config: Config,
    tokens: Artifact,
    mlflow_run: MLflowRun,
    stage: str = "run",
    watch: Watch | None = None,
) -> Artifact:
    settings = resolve(config, Tokens(tokens.path))
    resolved = config.model_copy(update={"train": settings.train})

    def train_in(run_folder: Path, token_folder: Path) -> None:
        with device_lock(settings.train):
            attempt = (read_recipe(run_folder) or {}).get("attempt", 0)
            forwarder = mlflow_run.open(resolved, tokens, attempt)
            with mlflow_run.system_metrics():
                supervise(
                    run_folder,
                    token_folder,
                    settings.train.max_steps,
                    forwarder,
                    watch,
                    prefect_artifacts.ProgressArtifact("training").show,
                )

    # A sweep compares trainings from the start: none of them goes on from another.
    fresh = watch is not None
    return run_training(_store(config), settings, tokens, train_in, fresh, stage)


@task(name="evaluate", task_run_name="evaluate", cache_policy=NO_CACHE)
def evaluation(config: Config, corpus: Artifact, tokens: Artifact, run: Artifact) -> Artifact:
    """Measure held-out bits per character of the final weights."""
    return evaluate(_store(config), config, corpus, tokens, run)


@task(name="samples", task_run_name="samples", cache_policy=NO_CACHE)
def samples(config: Config, tokens: Artifact, run: Artifact) -> Artifact:
    """Have the model write."""
    artifact = write_samples(_store(config), config, tokens, run)
    if artifact.made:
        prefect_artifacts.show_samples(artifact)
    return artifact


@task(name="text_index", task_run_name="text_index", cache_policy=NO_CACHE)
def text_index(config: Config, corpus: Artifact) -> Artifact:
    """Index the train split."""
    return build_index(_store(config), corpus)


@task(name="memory", task_run_name="memory", cache_policy=NO_CACHE)
def look_up(config: Config, corpus: Artifact, samples: Artifact, index: Artifact) -> Artifact:
    """Look up the samples in the train split."""
    return look_up_samples(_store(config), corpus, samples, index)


def memory(config: Config, corpus: Artifact, samples: Artifact) -> dict[str, Artifact]:
    """What the samples have from the train split, and its index; nothing if not wanted."""
    if not config.memory:
        return {}
    index = text_index(config, corpus)
    found = look_up(config, corpus, samples, index)
    return {index_stage.KIND: index, memory_stage.KIND: found}


@task(name="ngram", task_run_name="ngram", cache_policy=NO_CACHE)
def ngram(config: Config, tokens: Artifact) -> Artifact:
    """Score the held-out works by an n-gram."""
    return score_ngram(_store(config), config, tokens)


@task(name="ppmd", task_run_name="ppmd", cache_policy=NO_CACHE)
def ppmd(config: Config, corpus: Artifact) -> Artifact:
    """Score the held-out works by PPMd."""
    return score_ppmd(_store(config), config, corpus)


def baselines(config: Config, corpus: Artifact, tokens: Artifact) -> dict[str, Artifact]:
    """The baselines that the configuration asks for, by kind."""
    made = {baseline.NGRAM: partial(ngram, config, tokens)}
    made[baseline.PPMD] = partial(ppmd, config, corpus)
    return {kind: made[kind]() for kind in baseline.wanted(config)}


@task(name="report", task_run_name="report", cache_policy=NO_CACHE)
def report(config: Config, artifacts: Mapping[str, Artifact]) -> Artifact:
    """Draw the losses and write the summary."""
    artifact = write_report(_store(config), config.name, artifacts)
    if artifact.made:
        prefect_artifacts.show_summary(artifact)
    return artifact


@task(name="record", task_run_name="record", cache_policy=NO_CACHE)
def record(
    config: Config, artifacts: Mapping[str, Artifact], mlflow_run: MLflowRun
) -> dict[str, Any]:
    """Make sure that MLflow has everything. Returns the run's id, name and address."""
    run = mlflow_run.complete(artifacts)
    if any(artifact.made for artifact in artifacts.values()):
        prefect_artifacts.show_mlflow_link(run)
    return run
