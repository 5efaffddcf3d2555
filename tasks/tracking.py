"""The one place that speaks to MLflow: the run of a pipeline.

A configuration with its texts has one MLflow run: the same command again goes on in it. What
MLflow holds is a copy; the artifacts on disk are the truth, so a tracker that is away or wiped
loses nothing.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from femtogpt.artifact import Artifact, digest_of, explained, write_whole
from femtogpt.config import Config, TrainConfig
from femtogpt.config_file import CONF
from femtogpt.errors import UserError
from femtogpt.training.metrics import FILE as METRICS
from tasks.recorder import InOneThread, Recorder

TAG = "femtogpt.config"  # finds the run of a configuration
# What a person wants to see of an artifact; of the rest the digest is enough.
SHOWN = {
    "corpus": ["report.json"],
    "tokenizer": ["tokenizer.model"],
    "run": ["settings.json", "model.safetensors", METRICS],
    "evaluation": ["evaluation.json"],
    "samples": ["samples.json", "samples.md"],
    "report": ["loss.png", "summary.txt"],
}
log = logging.getLogger("femtogpt.tracking")
_known: dict[tuple[str, str], Tracking] = {}


class Tracking:
    """The MLflow run of a configuration, opened when there is something to say."""

    def __init__(self, config: Config, uri: str, key: str):
        self.config, self.uri, self.key = config, uri, key
        self.start = time.time()
        self.client: Any = None
        self.run_id = ""

    @classmethod
    def of(cls, config: Config) -> Tracking:
        """The tracking of this configuration, one per process."""
        database = (config.paths.mlruns / "mlflow.db").absolute()
        uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{database}"
        identity = {name: source.identity() for name, source in config.sources.items()}
        settings = config.model_dump(mode="json", exclude={"paths", "sources"})
        reading = {name: source.reading() for name, source in config.sources.items()}
        key = digest_of([settings, identity, reading])[:16]
        return _known.setdefault((uri, key), cls(config, uri, key))

    def open(self, metrics: Path, settled: Config | None = None) -> Recorder:
        """Go on in the run of this configuration, or begin it; what carries its metrics there.

        ``settled``: the same with what only the texts could tell, which MLflow is told as well.
        """
        if self.client is None:
            self._connect()
        self.client.update_run(self.run_id, status="RUNNING")
        self._keep_open()
        if settled is not None:
            self._tell(settled)
        return Recorder(self.client, self.run_id, metrics)

    def _keep_open(self) -> None:
        """Leave word of the open run for who ends it if this process is killed."""
        if place := os.environ.get("FEMTOGPT_OPEN_RUN"):
            write_whole(Path(place), json.dumps({"uri": self.uri, "run_id": self.run_id}).encode())

    def _tell(self, settled: Config) -> None:
        """Log what was derived, once; a value that is another by now goes into a tag."""
        run = self.client.get_run(self.run_id)
        known, derived = run.data.params, _params(settled)
        new = {name: value for name, value in derived.items() if name not in known}
        if new:
            self.client.log_batch(self.run_id, params=_as_params(new))
            if run.info.run_name == self._name(self.config):  # a person has not named it
                self.client.set_tag(self.run_id, "mlflow.runName", self._name(settled))
        for name, value in derived.items():
            if known.get(name, str(value)) != str(value):
                self.client.set_tag(self.run_id, f"femtogpt.now.{name}", str(value))

    def _connect(self) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        for noisy in ("alembic", "mlflow.store"):  # they tell each step of making the tables
            logging.getLogger(noisy).setLevel(logging.WARNING)
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        folder = self.config.paths.mlruns
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
        try:
            client = InOneThread(partial(MlflowClient, tracking_uri=self.uri))
            experiment = self._experiment(client, folder)
            found = client.search_runs([experiment], f"tags.`{TAG}` = '{self.key}'", max_results=1)
            self.run_id = found[0].info.run_id if found else self._begin(client, experiment)
            self.client = client
        except (MlflowException, SQLAlchemyError, OSError) as error:
            line = str(error).strip().splitlines()[0]
            raise UserError(
                f"MLflow's store {self.uri} cannot be used ({line}):"
                " see that its folder can be written, or choose another with paths.mlruns=…"
            ) from error

    def _experiment(self, client: Any, folder: Path) -> str:
        if found := client.get_experiment_by_name(self.config.name):
            return found.experiment_id
        local = self.uri.startswith("sqlite:")
        place = (folder / "artifacts").absolute().as_uri() if local else None
        kind = {"mlflow.experimentKind": "custom_model_development"}  # how MLflow's pages open
        return client.create_experiment(self.config.name, artifact_location=place, tags=kind)

    def _begin(self, client: Any, experiment: str) -> str:
        run = client.create_run(
            experiment,
            start_time=round(self.start * 1000),
            run_name=self._name(self.config),
            tags={TAG: self.key, "mlflow.source.git.commit": _commit()},
        )
        client.log_batch(run.info.run_id, params=_as_params(_params(self.config)))
        return run.info.run_id

    def _name(self, config: Config) -> str:
        model, steps = config.model, config.train.max_steps
        length = [f"{steps:,} steps"] if steps is not None else []
        return ", ".join([f"{model.layers} × {model.width}", *length, self.key[:4]])

    @property
    def _note(self) -> Path:
        """What this machine knows of the run, so that a glance needs no MLflow."""
        return self.config.paths.data / "tracking" / f"{self.key}.json"

    def complete(self, artifacts: Mapping[str, Artifact]) -> dict:
        """See that MLflow has everything of these artifacts, and end the run as finished.

        Gives the run's ``run_id``, ``experiment_id``, ``name`` and ``uri``.
        """
        contents = {name: artifact.content for name, artifact in artifacts.items()}
        if note := self._recorded(contents):
            log.info("record: up to date (MLflow run %s)", note["run_id"])
            return note
        recorder = self.open(artifacts["run"].path / METRICS, self._settled(artifacts["run"]))
        recorder.follow()
        if recorder.away:
            raise UserError("the run is whole, but MLflow lacks it: the same command tries again")
        for name, artifact in artifacts.items():
            self.client.set_tag(self.run_id, f"femtogpt.{name}", artifact.digest)
            for file in SHOWN.get(artifact.kind, ()):
                self.client.log_artifact(self.run_id, str(artifact.path / file), artifact.kind)
        steps = artifacts["run"].counts["steps"]
        for name in ("corpus", "tokens", "evaluation"):
            for key, value in artifacts[name].counts.items():
                if value is not None:
                    self.client.log_metric(self.run_id, f"{name}/{key}", value, step=steps)
        self.client.set_terminated(self.run_id, "FINISHED")
        run = self.client.get_run(self.run_id).info
        note = {
            "run_id": run.run_id,
            "experiment_id": run.experiment_id,
            "name": run.run_name,
            "uri": self.uri,
            "contents": contents,
        }
        self._note.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._note, json.dumps(note, indent=1).encode())
        return note

    def _settled(self, run: Artifact) -> Config:
        """The configuration with what was derived, from the settings that a training kept."""
        kept = json.loads((run.path / "settings.json").read_bytes())["train"]
        return self.config.model_copy(update={"train": TrainConfig.model_validate(kept)})

    def _recorded(self, contents: dict[str, str]) -> dict | None:
        """The note, if MLflow has all of it."""
        try:
            note = json.loads(self._note.read_text())
        except (OSError, ValueError):
            return None
        same = (note["uri"], note["contents"]) == (self.uri, contents)
        return note if same and self._has(note["run_id"]) else None

    def _has(self, run_id: str) -> bool:
        """Whether MLflow's store still has a run: asked of its database, MLflow takes seconds."""
        if not self.uri.startswith("sqlite:///"):
            return True
        database = Path(self.uri.removeprefix("sqlite:///"))
        try:
            with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
                query = "select 1 from runs where run_uuid = ? and lifecycle_stage = 'active'"
                return connection.execute(query, [run_id]).fetchone() is not None
        except sqlite3.Error:
            return False

    def end(self, status: str, why: str = "") -> None:
        """Mark the run FINISHED, FAILED or KILLED, with the reason; never raises.

        Where nothing was said to MLflow so far, there is nothing to end.
        """
        if self.client is None:
            return
        _end(self.client, self.run_id, status, why)


def end_run(uri: str, run_id: str, status: str, why: str) -> None:
    """The same from another process."""
    from mlflow import MlflowClient

    _end(MlflowClient(tracking_uri=uri), run_id, status, why)


def _end(client: Any, run_id: str, status: str, why: str) -> None:
    try:
        if why:
            client.set_tag(run_id, "femtogpt.ended", why)
        client.set_terminated(run_id, status)
    except Exception as error:  # the reason for ending must not be hidden by this one
        log.warning("MLflow could not be told that the run ended as %s: %s", status, error)


def _params(config: Config) -> dict[str, Any]:
    """All settings but where things lie; without those that the size of the text decides yet."""
    flat = _flat(config.model_dump(mode="json", exclude={"paths"}))
    open_ = {
        f"train.{name}" for name in ("max_steps", "epochs", "evaluate_every", "checkpoint_every")
    }
    return {name: value for name, value in flat.items() if name not in open_ or value is not None}


def _as_params(settings: Mapping[str, Any]) -> list:
    from mlflow.entities import Param

    return [Param(name, str(value)) for name, value in settings.items()]


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as ``section.field`` to value."""
    flat = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _commit() -> str:
    """The project's git commit, or nothing where there is no git."""
    try:
        command = ["git", "-C", str(CONF), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
