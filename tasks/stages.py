"""The stages as Prefect tasks.

Whether a stage has to run is decided by the artifacts' digests alone, so Prefect's own cache is
off. Tasks hand on artifacts (paths and digests), never their contents.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.store import Store
from femtogpt.config import Config
from femtogpt.corpus.build import build_corpus
from femtogpt.errors import Pruned
from femtogpt.evaluation.evaluate import evaluate
from femtogpt.evaluation.run_report import write_report
from femtogpt.generation.samples import write_samples
from femtogpt.sources.fetch import fetch, pinned
from femtogpt.tokens.shards import Tokens, write_tokens
from femtogpt.tokens.tokenizer import train_tokenizer
from femtogpt.training.metrics import BITS, METRICS_FILE
from femtogpt.training.settings import resolve
from femtogpt.training.training_stage import run_training
from tasks import prefect_artifacts
from tasks.device_lock import alone
from tasks.mlflow_run import Tracking
from tasks.training_process import supervise

Watch = Callable[[float, dict], None]
log = logging.getLogger("femtogpt.tasks")


def _store(config: Config) -> Store:
    return Store.of(config)


def _connection_failed(task, run, state) -> bool:
    """Only what may be better in a while is tried again."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, ConnectionError):
        log.warning("%s", str(error).splitlines()[0])
        return True
    return False


@task(name="pin", task_run_name="pin", cache_policy=NO_CACHE)
def pin(config: Config) -> Config:
    """The configuration with each remote source fixed to a version, which a run keeps to."""
    store = _store(config)
    with ThreadPoolExecutor() as pool:  # each waits for an answer
        fixed = pool.map(lambda named: pinned(store, *named), config.sources.items())
        return config.model_copy(update={"sources": dict(zip(config.sources, fixed, strict=True))})


@task(
    name="fetch",
    task_run_name="fetch {name}",
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=[5, 20, 60],
    retry_jitter_factor=0.5,
    retry_condition_fn=_connection_failed,
)
def fetch_source(config: Config, name: str) -> Artifact:
    """A source's bytes."""
    return fetch(_store(config), name, config.sources[name])


@task(name="corpus", task_run_name="corpus", cache_policy=NO_CACHE)
def corpus(config: Config, raws: dict[str, Artifact]) -> Artifact:
    """Clean, check and split the documents of all sources."""
    artifact = build_corpus(_store(config), config, raws)
    if artifact.made:
        prefect_artifacts.corpus(artifact)
    return artifact


@task(name="tokenizer", task_run_name="tokenizer", cache_policy=NO_CACHE)
def tokenizer(config: Config, corpus: Artifact) -> Artifact:
    """Train the tokenizer on the train split."""
    return train_tokenizer(_store(config), config, corpus)


@task(name="tokens", task_run_name="tokens", cache_policy=NO_CACHE)
def tokens(config: Config, corpus: Artifact, tokenizer: Artifact) -> Artifact:
    """Encode the corpus into token shards."""
    return write_tokens(_store(config), config, corpus, tokenizer)


@task(name="train", task_run_name="train", tags=["training"], cache_policy=NO_CACHE)
def train(config: Config, tokens: Artifact, watch: Watch | None = None) -> Artifact | None:
    """Train in a child process, going on from its last checkpoint; MLflow follows.

    ``watch(share, line)`` is given each line of the metrics that has a held-out estimate, with the
    share of the training that is done; where it raises Pruned, training ends without an artifact.
    """
    settings = resolve(config, Tokens(tokens.path))
    resolved = config.model_copy(update={"train": settings.train})
    steps = settings.train.max_steps

    def look(line: dict) -> None:
        if watch is not None and BITS in line:
            watch(line["step"] / steps, line)

    def watched(run: Path, shards: Path) -> None:
        tracking = Tracking.of(config)
        with alone(settings.train):
            recorder = tracking.open(run / METRICS_FILE, resolved, tokens)
            with tracking.monitored():
                supervise(
                    run, shards, steps, recorder, look, prefect_artifacts.Progress("training").show
                )

    try:
        # A sweep compares trainings from the start: none of them goes on from another.
        return run_training(_store(config), settings, tokens, watched, fresh=watch is not None)
    except Pruned as why:
        log.info("train: ended, %s", why)
        Tracking.of(config).end("FINISHED", f"pruned: {why}")
        return None


@task(name="evaluate", task_run_name="evaluate", cache_policy=NO_CACHE)
def evaluation(config: Config, tokens: Artifact, run: Artifact) -> Artifact:
    """Held-out bits per character of the final weights."""
    return evaluate(_store(config), config, tokens, run)


@task(name="samples", task_run_name="samples", cache_policy=NO_CACHE)
def samples(config: Config, tokens: Artifact, run: Artifact) -> Artifact:
    """Have the model write."""
    artifact = write_samples(_store(config), config, tokens, run)
    if artifact.made:
        prefect_artifacts.samples(artifact)
    return artifact


@task(name="report", task_run_name="report", cache_policy=NO_CACHE)
def report(config: Config, artifacts: dict[str, Artifact]) -> Artifact:
    """The loss plot and the summary."""
    artifact = write_report(_store(config), config.name, artifacts)
    if artifact.made:
        prefect_artifacts.summary(artifact)
    return artifact


@task(name="record", task_run_name="record", cache_policy=NO_CACHE)
def record(config: Config, artifacts: dict[str, Artifact]) -> dict:
    """See that MLflow has all of it; gives the run's id, name and address."""
    run = Tracking.of(config).complete(artifacts)
    if any(artifact.made for artifact in artifacts.values()):
        prefect_artifacts.run(run)
    return run
