"""The MLflow run of a pipeline.

A configuration with its texts has one MLflow run: the same command again goes on in it. A training
that a person asked for again has another. What
MLflow holds is a copy. The artifacts on disk are the truth, so a store that is away or wiped loses
nothing.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any, Protocol, cast

from femtogpt.artifacts.artifact import Artifact, fault_of
from femtogpt.artifacts.disk import json_digest, write_atomic
from femtogpt.config import PLACES, Config, TrainConfig
from femtogpt.errors import UserError
from femtogpt.evaluation.baseline import BASELINE_FILE, BASELINES
from femtogpt.evaluation.document_scores import DOCUMENTS_FILE
from femtogpt.evaluation.evaluate import EVALUATION_FILE
from femtogpt.memorisation import memory_stage
from femtogpt.memorisation.memory_stage import MEMORY_FILE
from femtogpt.model.files import SETTINGS_FILE
from femtogpt.sources.base import Source
from femtogpt.sqlite_url import sqlite_path
from femtogpt.training.metrics import METRICS_FILE, read_metrics
from tasks.mlflow_metrics import MetricsForwarder
from tasks.mlflow_model import RUN_FILES
from tasks.mlflow_registry import register
from tasks.mlflow_store import (
    PARENT_TAG,
    end_run,
    explain_store_errors,
    find_or_create_run,
    is_deleted,
    note_open_run,
    store_advice,
    store_uri,
    to_params,
    unix_milliseconds,
)
from tasks.moved_store import ARTIFACTS, local_path
from tasks.run_metadata import dataset_inputs, machine_tags, system_metrics

KEY_TAG = "femtogpt.config"  # finds the run of a configuration
DESCRIPTION_TAG = "mlflow.note.content"  # the description on a run's page
# The files to look at in MLflow, by kind of artifact. Of the others the digest is enough.
LOGGED_FILES = {
    "corpus": ["report.json"],
    "tokenizer": ["tokenizer.model"],
    "choice": ["choice.json"],
    "run": RUN_FILES,
    "evaluation": [EVALUATION_FILE, DOCUMENTS_FILE],
    "samples": ["samples.json", "samples.md"],
    memory_stage.KIND: [MEMORY_FILE],
    **{kind: [BASELINE_FILE] for kind in BASELINES},
    "report": ["loss.png", "summary.txt", "report.html"],
}
log = logging.getLogger("femtogpt.tracking")


class Parent(Protocol):
    """A run above others, which is found or created when one of them is logged."""

    def open(self) -> str:
        """Its id."""

    def end(self, status: str, reason: str = "") -> None:
        """Mark it FINISHED, FAILED or KILLED, if it was opened. Never raises."""


class MLflowRun:
    """The MLflow run of a configuration, found or created when there is something to log.

    A flow makes one and hands it to the tasks that log. Prefect leaves an object of its kind as it
    is: the tasks run in the flow's process, and without a cache their parameters are not hashed.
    """

    def __init__(self, config: Config, name: str = "", parent: str | Parent = ""):
        """``config`` has pinned sources. ``name`` and ``parent``, a run id, are for sweeps.

        A parent that is not only an id ends as this run does.
        """
        self.place(config, name, parent)
        self.uri = store_uri(config.paths.mlruns)
        self.start_time = unix_milliseconds()
        self.client: Any = None
        self.run_id = self.parent_id = ""

    def place(self, config: Config, name: str, parent: str | Parent) -> None:
        """Make it the run of ``config``, below ``parent``, before anything is logged."""
        self.config, self.name, self.parent = config, name, parent
        self.key = _key(config)

    def open(self, resolved: Config, tokens: Artifact, attempt: int = 0) -> MetricsForwarder:
        """Go on in the run, or create it. Returns what forwards its metrics.

        ``resolved`` is the configuration with what depends on the size of the text, ``tokens``;
        ``attempt`` is that of the training's recipe. Raises UserError if MLflow's store refuses.
        """
        if self.client is None or self._is_deleted():
            self.key = _key(self.config, attempt)
            self._connect()
        index = json.loads((tokens.path / "index.json").read_text("utf-8"))
        flops = resolved.model.flops_per_token(index["vocab_size"])
        with explain_store_errors(self.uri):
            self.client.update_run(self.run_id, status="RUNNING")
            note_open_run(self.uri, self.run_id)
            self._log_resolved(resolved)
            if not self.client.get_run(self.run_id).inputs.dataset_inputs:
                origins = {name: _origin(source) for name, source in _sources(self.config).items()}
                self.client.log_inputs(self.run_id, dataset_inputs(tokens, origins, index))
            return MetricsForwarder(self.client, self.run_id, flops)

    def _is_deleted(self) -> bool:
        with explain_store_errors(self.uri):
            deleted = is_deleted(self.client, self.run_id)
        if deleted:
            log.info("MLflow: the run %s was deleted: what follows is recorded anew", self.run_id)
        return deleted

    def system_metrics(self) -> AbstractContextManager[None]:
        """Within this, the machine's load is logged to the run, which is open."""
        return system_metrics(self.uri, self.run_id)

    def _log_resolved(self, resolved: Config) -> None:
        """Log the resolved settings, once. One that has changed since goes into a tag."""
        run = self.client.get_run(self.run_id)
        logged, settings = run.data.params, _params(resolved)
        if new := {name: value for name, value in settings.items() if name not in logged}:
            self.client.log_batch(self.run_id, params=to_params(new))
            if run.info.run_name == self._default_name(self.config):  # nobody has renamed it
                name = self._default_name(resolved)
                self.client.set_tag(self.run_id, "mlflow.runName", name)
        for name, value in settings.items():
            if logged.get(name, str(value)) != str(value):
                self.client.set_tag(self.run_id, f"femtogpt.now.{name}", str(value))

    def _connect(self) -> None:
        parent = self.parent if isinstance(self.parent, str) else self.parent.open()
        creation = {
            "start_time": self.start_time,
            "run_name": self.name or self._default_name(self.config),
            "tags": {
                **machine_tags(),
                "femtogpt.configuration": self.config.name,
                **({PARENT_TAG: parent} if parent else {}),
            },
        }
        client, self.run_id = find_or_create_run(
            self.uri,
            self.config.paths.mlruns,
            self.config.name,
            (KEY_TAG, self.key),
            creation,
            _params(self.config),
        )
        if parent:  # it may have been created alone, or by another sweep
            client.set_tag(self.run_id, PARENT_TAG, parent)
        self.client, self.parent_id = client, parent

    def _default_name(self, config: Config) -> str:
        model, steps = config.model, config.train.max_steps
        length = [f"{steps:,} steps"] if steps is not None else []
        return ", ".join([f"{model.layers} × {model.width}", *length, self.key[:4]])

    def complete(self, artifacts: Mapping[str, Artifact]) -> dict[str, Any]:
        """Make sure that MLflow has everything of these artifacts, and mark the run FINISHED.

        Returns the run's ``run_id``, ``experiment_id``, ``name`` and ``uri``, and ``model``, its
        address in MLflow's registry: empty without an evaluation. Raises UserError if MLflow's
        store refuses.
        """
        contents = {name: artifact.content for name, artifact in artifacts.items()}
        attempt = artifacts["run"].manifest.get("attempt", 0)
        self.key = _key(self.config, attempt)
        if record := self._record_of(contents):
            log.info("record: up to date (MLflow run %s)", record["run_id"])
            return record
        run = artifacts["run"]
        forwarder = self.open(self._resolved_by(run), artifacts["tokens"], attempt)
        forwarder.add(read_metrics(run.path / METRICS_FILE))
        forwarder.send()
        if forwarder.failure:
            raise _incomplete(self.uri, forwarder.failure)
        with explain_store_errors(self.uri):
            self._log_artifacts(artifacts)
            # Of several generations, the last one alone is evaluated.
            is_evaluated, name = "evaluation" in artifacts, self.config.name
            model = register(self.client, self.run_id, name, artifacts) if is_evaluated else ""
            end_run(self.client, self.run_id, "FINISHED")
            info = self.client.get_run(self.run_id).info
        if info.status != "FINISHED":
            raise _incomplete(self.uri, f"its status is {info.status}")
        record = {
            "run_id": info.run_id,
            "experiment_id": info.experiment_id,
            "name": info.run_name,
            "uri": self.uri,
            "contents": contents,
            "parent": self.parent_id,
            "model": model,
        }
        self._record_file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self._record_file, json.dumps(record, indent=1).encode())
        return record

    def _log_artifacts(self, artifacts: Mapping[str, Artifact]) -> None:
        """Log the artifacts' digests, figures and files, and the summary as description."""
        for name, artifact in artifacts.items():
            self.client.set_tag(self.run_id, f"femtogpt.{name}", artifact.digest)
            for file in LOGGED_FILES.get(artifact.kind, ()):
                self.client.log_artifact(self.run_id, str(artifact.path / file), artifact.kind)
        groups: dict[str, Mapping[str, Any]] = {
            "texts": {**artifacts["corpus"].counts, **artifacts["tokens"].counts},
            # Of several generations, the last one alone is evaluated.
            "evaluation": artifacts["evaluation"].counts if "evaluation" in artifacts else {},
            "memory": artifacts["memory"].counts if "memory" in artifacts else {},
            "baselines": {
                f"{kind}_{key}": value
                for kind in BASELINES
                if kind in artifacts
                for key, value in artifacts[kind].counts.items()
            },
        }
        for name, counts in groups.items():
            for key, value in counts.items():
                if value is not None:  # MLflow draws figures of step 0 as bars, runs side by side
                    self.client.log_metric(self.run_id, f"{name}/{key}", value, step=0)
        tags = self.client.get_run(self.run_id).data.tags
        if "report" in artifacts and DESCRIPTION_TAG not in tags:
            summary = (artifacts["report"].path / "summary.txt").read_text("utf-8")
            # The page shows a few lines: leave out the samples and the counts of the texts.
            figures = "Model" + summary.partition("\n\n")[0].partition("\nModel")[2]
            self.client.set_tag(self.run_id, DESCRIPTION_TAG, f"```\n{figures}\n```")

    def _resolved_by(self, run: Artifact) -> Config:
        """The configuration with the resolved settings that a training left in its folder."""
        train = json.loads((run.path / SETTINGS_FILE).read_bytes())["train"]
        return self.config.model_copy(update={"train": TrainConfig.model_validate(train)})

    @property
    def _record_file(self) -> Path:
        """What MLflow has of this configuration, kept here so that a look takes no MLflow."""
        return self.config.paths.data / "tracking" / f"{self.key}.json"

    def _record_of(self, contents: dict[str, str]) -> dict[str, Any] | None:
        """The record, if MLflow has all of these contents; otherwise None."""
        try:
            record = json.loads(self._record_file.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        # A database of ours may have moved with the project: it is asked below.
        there = record["uri"] == self.uri or bool(sqlite_path(record["uri"]) and self._database)
        # Older records have no model.
        same = there and record["contents"] == contents and "model" in record
        # A parent is not asked for where nothing is to be logged: any will do.
        above = record.get("parent")
        same = same and (
            self.parent in ("", above) if isinstance(self.parent, str) else bool(above)
        )
        same = same and self._store_has(record["run_id"], bool(record["model"]))
        return {**record, "uri": self.uri} if same else None

    @property
    def _database(self) -> Path | None:
        """MLflow's database if it is on this machine."""
        return sqlite_path(self.uri)

    def _store_has(self, run_id: str, registered: bool) -> bool:
        """Whether MLflow's store still has a run; if it was ``registered``, its version and files.

        This reads MLflow's own tables: asking the client takes 2.6 s of processor time, nearly all
        of it for imports, and would take them of every pipeline that has nothing to do.
        """
        if self._database is None:
            return True
        address = f"{self._database.absolute().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(address, uri=True)) as connection:
                of_run = "artifact_uri from runs where run_uuid = ? and lifecycle_stage = 'active'"
                run = connection.execute(f"select {of_run}", [run_id]).fetchone()
                # A deleted version names no run.
                of_version = "select 1 from model_versions where run_id = ?"
                version = connection.execute(of_version, [run_id]).fetchone()
        except sqlite3.Error:
            return False
        if not registered:
            return run is not None
        return bool(run and version) and self._copy_is_whole(run_id, run[0])

    def _copy_is_whole(self, run_id: str, address: str) -> bool:
        """Whether the files from which MLflow loads the model are whole, if they are here."""
        assert self._database is not None
        own = self._database.parent / ARTIFACTS / run_id  # the address may be that before a move
        files = own / "artifacts" if own.exists() else local_path(address)
        if files is None or (fault := fault_of(files / "run")) is None:
            return True
        log.warning("%s: %s; writing MLflow's copy of the model again", files / "run", fault)
        return False

    def end(self, status: str, reason: str = "") -> None:
        """Mark the run FINISHED, FAILED or KILLED, if anything was logged. Never raises."""
        if self.client is not None:
            end_run(self.client, self.run_id, status, reason)
        if not isinstance(self.parent, str):
            self.parent.end(status, reason)


def _incomplete(uri: str, reason: str) -> UserError:
    return UserError(
        f"the run is complete, but MLflow's store {uri} lacks a part of it ({reason}):"
        f" {store_advice(uri)}; the same command again sends it"
    )


def _sources(config: Config) -> dict[str, Source]:
    """The sources, by the type that reading a configuration gives them."""
    return cast("dict[str, Source]", config.sources)


def _key(config: Config, attempt: int = 0) -> str:
    """Identifies an attempt to train a configuration on its texts, wherever its data are kept."""
    sources = _sources(config)
    identities = {name: source.identity() for name, source in sources.items()}
    readings = {name: source.reading() for name, source in sources.items()}
    # These do not change what is trained: with and without them, it is the same run.
    settings = config.model_dump(mode="json", exclude={*PLACES, "sources", "baselines", "memory"})
    key = json_digest([settings, identities, readings])[:16]
    return json_digest([key, attempt])[:16] if attempt else key


def _origin(source: Source) -> str:
    """Where a source's texts come from, in a few words."""
    identity = source.identity()
    return ", ".join(f"{name} {value}" for name, value in identity.items() if value is not None)


def _params(config: Config) -> dict[str, Any]:
    """All settings except places, and except those that the size of the text has yet to decide."""
    flat = _flat(config.model_dump(mode="json", exclude=PLACES))
    every = ("evaluate_every", "checkpoint_every", "sample_every")
    derived = {f"train.{name}" for name in ("max_steps", "epochs", "weight_decay", *every)}
    return {name: value for name, value in flat.items() if name not in derived or value is not None}


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as ``section.field`` to value."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
