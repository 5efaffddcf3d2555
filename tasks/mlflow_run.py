"""The one place that speaks to MLflow: the run of a pipeline.

A configuration with its texts has one MLflow run: the same command again goes on in it. What
MLflow holds is a copy; the artifacts on disk are the truth, so a tracker that is away or wiped
loses nothing.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

from femtogpt.artifacts import again
from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.disk import json_digest, write_atomic
from femtogpt.config import PLACES, Config, TrainConfig
from femtogpt.errors import UserError
from femtogpt.model.files import SETTINGS_FILE, WEIGHTS_FILE
from femtogpt.training.metrics import METRICS_FILE
from tasks.mlflow_metrics import Recorder
from tasks.mlflow_store import PARENT, as_params, end, keep_open, now, opened, uri_of, usable
from tasks.run_metadata import inputs, machine, monitored

TAG = "femtogpt.config"  # finds the run of a configuration
NOTE = "mlflow.note.content"  # the description on a run's page
# What a person wants to see of an artifact; of the rest the digest is enough.
SHOWN = {
    "corpus": ["report.json"],
    "tokenizer": ["tokenizer.model"],
    "run": [SETTINGS_FILE, WEIGHTS_FILE, METRICS_FILE],
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
        self.start = now()
        self.name, self.parent = "", ""  # within a sweep
        self.client: Any = None
        self.run_id = ""

    @classmethod
    def of(cls, config: Config) -> Tracking:
        """The tracking of this configuration, one per process."""
        uri = uri_of(config.paths.mlruns)
        identity = {name: source.identity() for name, source in config.sources.items()}
        settings = config.model_dump(mode="json", exclude={*PLACES, "sources"})
        reading = {name: source.reading() for name, source in config.sources.items()}
        key = json_digest([settings, identity, reading])[:16]
        if attempt := again.counted(config.paths.data, "run", key):  # a run of its own for each
            key = json_digest([key, attempt])[:16]
        return _known.setdefault((uri, key), cls(config, uri, key))

    def open(self, metrics: Path, settled: Config, tokens: Artifact) -> Recorder:
        """Go on in the run of this configuration, or begin it; what carries its metrics there.

        ``settled``: the same with what only the texts, ``tokens``, could tell, which MLflow is
        told as well. Raises UserError where MLflow's store does not take it.
        """
        if self.client is None:
            self._connect()
        index = json.loads((tokens.path / "index.json").read_text())
        flops = settled.model.flops_per_token(index["vocab_size"])
        with usable(self.uri):
            self.client.update_run(self.run_id, status="RUNNING")
            keep_open(self.uri, self.run_id)
            self._tell(settled)
            if not self.client.get_run(self.run_id).inputs.dataset_inputs:
                texts = {name: _texts(source) for name, source in self.config.sources.items()}
                self.client.log_inputs(self.run_id, inputs(tokens, texts, index))
            return Recorder(self.client, self.run_id, metrics, flops)

    def monitored(self) -> AbstractContextManager[None]:
        """Have the machine's load written into the run that is open."""
        return monitored(self.uri, self.run_id)

    def _tell(self, settled: Config) -> None:
        """Log what was derived, once; a value that is another by now goes into a tag."""
        run = self.client.get_run(self.run_id)
        known, derived = run.data.params, _params(settled)
        if new := {name: value for name, value in derived.items() if name not in known}:
            self.client.log_batch(self.run_id, params=as_params(new))
            if run.info.run_name == self._name(self.config):  # a person has not named it
                self.client.set_tag(self.run_id, "mlflow.runName", self._name(settled))
        for name, value in derived.items():
            if known.get(name, str(value)) != str(value):
                self.client.set_tag(self.run_id, f"femtogpt.now.{name}", str(value))

    def _connect(self) -> None:
        begin = {
            "start_time": self.start,
            "run_name": self.name or self._name(self.config),
            "tags": {
                **machine(),
                "femtogpt.configuration": self.config.name,
                **({PARENT: self.parent} if self.parent else {}),
            },
        }
        place = (self.uri, self.config.paths.mlruns, self.config.name)
        client, self.run_id = opened(*place, (TAG, self.key), begin, _params(self.config))
        if self.parent:  # it may have been begun alone, or in another sweep
            client.set_tag(self.run_id, PARENT, self.parent)
        self.client = client

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

        Gives the run's ``run_id``, ``experiment_id``, ``name`` and ``uri``. Raises UserError
        where MLflow's store does not take it.
        """
        contents = {name: artifact.content for name, artifact in artifacts.items()}
        if note := self._recorded(contents):
            log.info("record: up to date (MLflow run %s)", note["run_id"])
            return note
        run, tokens = artifacts["run"], artifacts["tokens"]
        recorder = self.open(run.path / METRICS_FILE, self._settled(run), tokens)
        recorder.follow()
        if recorder.away:
            raise _lacking(recorder.why)
        with usable(self.uri):
            self._show(artifacts)
            end(self.client, self.run_id, "FINISHED")
            run = self.client.get_run(self.run_id).info
        if run.status != "FINISHED":
            raise _lacking(f"it has {run.status}")
        note = {
            "run_id": run.run_id,
            "experiment_id": run.experiment_id,
            "name": run.run_name,
            "uri": self.uri,
            "contents": contents,
            "parent": self.parent,
        }
        self._note.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self._note, json.dumps(note, indent=1).encode())
        return note

    def _show(self, artifacts: Mapping[str, Artifact]) -> None:
        """Bring there what a person wants to see of the artifacts: files, figures, a summary."""
        for name, artifact in artifacts.items():
            self.client.set_tag(self.run_id, f"femtogpt.{name}", artifact.digest)
            for file in SHOWN.get(artifact.kind, ()):
                self.client.log_artifact(self.run_id, str(artifact.path / file), artifact.kind)
        texts = {**artifacts["corpus"].counts, **artifacts["tokens"].counts}
        for name, counts in {"texts": texts, "evaluation": artifacts["evaluation"].counts}.items():
            for key, value in counts.items():
                if value is not None:  # figures of step 0 are drawn as bars, a run beside the other
                    self.client.log_metric(self.run_id, f"{name}/{key}", value, step=0)
        if "report" in artifacts and NOTE not in self.client.get_run(self.run_id).data.tags:
            summary = (artifacts["report"].path / "summary.txt").read_text("utf-8")
            # What fits the page's few lines: neither the samples, nor the texts' counts.
            figures = "Model" + summary.partition("\n\n")[0].partition("\nModel")[2]
            self.client.set_tag(self.run_id, NOTE, f"```\n{figures}\n```")

    def _settled(self, run: Artifact) -> Config:
        """The configuration with what was derived, from the settings that a training kept."""
        kept = json.loads((run.path / SETTINGS_FILE).read_bytes())["train"]
        return self.config.model_copy(update={"train": TrainConfig.model_validate(kept)})

    def _recorded(self, contents: dict[str, str]) -> dict | None:
        """The note, if MLflow has all of it."""
        try:
            note = json.loads(self._note.read_text())
        except (OSError, ValueError):
            return None
        same = (note["uri"], note["contents"]) == (self.uri, contents)
        same = same and self.parent in ("", note.get("parent"))
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
        end(self.client, self.run_id, status, why)


def _lacking(why: str) -> UserError:
    return UserError(f"the run is whole, but MLflow lacks it ({why}): the same again tells it all")


def _texts(source: Any) -> str:
    """Where a source's texts come from, in a few words."""
    place = source.identity()
    return ", ".join(f"{name} {value}" for name, value in place.items() if value is not None)


def _params(config: Config) -> dict[str, Any]:
    """All settings but where things lie; without those that the size of the text decides yet."""
    flat = _flat(config.model_dump(mode="json", exclude=PLACES))
    every = ("evaluate_every", "checkpoint_every", "sample_every")
    open_ = {f"train.{name}" for name in ("max_steps", "epochs", "weight_decay", *every)}
    return {name: value for name, value in flat.items() if name not in open_ or value is not None}


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as ``section.field`` to value."""
    flat = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
