"""What a report tells of a run, read from the artifacts when it is asked for.

Anything may be missing: a run may stand alone, be of an older version, or have been trained
without what the pipeline makes of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from femtogpt.artifacts.artifact import Artifact, read_manifest, read_recipe
from femtogpt.artifacts.lookup import made_from
from femtogpt.corpus.schema import PROOF, REPORT
from femtogpt.evaluation.around_run import around, found
from femtogpt.evaluation.baseline import Baseline, baselines_of
from femtogpt.evaluation.evaluate import EVALUATION_FILE
from femtogpt.generation.samples import SAMPLES_FILE
from femtogpt.memorisation import memory_stage
from femtogpt.model.files import SETTINGS_FILE
from femtogpt.training.machine_record import read_machines
from femtogpt.training.metrics import METRICS_FILE, read_metrics


@dataclass(frozen=True)
class RunFacts:
    """A run and the artifacts around it, by kind."""

    name: str  # what a person calls it: its configuration
    run: Path
    artifacts: Mapping[str, Artifact]

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """The run's manifest; its recipe while it is trained; empty without either."""
        return manifest_in(self.run) or read_recipe(self.run) or {}

    @cached_property
    def settings(self) -> dict[str, Any]:
        return self._read(self.run / SETTINGS_FILE) or {}

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        """The training's metrics."""
        return read_metrics(self.run / METRICS_FILE)

    @cached_property
    def machines(self) -> list[dict[str, Any]]:
        return read_machines(self.run)

    @cached_property
    def evaluation(self) -> dict[str, Any] | None:
        return self._of("evaluation", EVALUATION_FILE)

    @cached_property
    def samples(self) -> list[dict[str, str]] | None:
        return self._of("samples", SAMPLES_FILE)

    @cached_property
    def memory(self) -> dict[str, Any] | None:
        return self._of(memory_stage.KIND, memory_stage.MEMORY_FILE)

    @cached_property
    def corpus_report(self) -> dict[str, Any] | None:
        return self._of("corpus", REPORT)

    @cached_property
    def proof(self) -> dict[str, Any] | None:
        return self._of("corpus", PROOF)

    @cached_property
    def baselines(self) -> dict[str, Baseline]:
        return baselines_of(self.artifacts)

    @property
    def bits(self) -> float | None:
        """Held-out bits per character, by the evaluation."""
        evaluation = self.evaluation
        return None if evaluation is None else evaluation["held_out"]["bits_per_character"]

    @cached_property
    def raws(self) -> dict[str, Artifact | None]:
        """The bytes of each source, by its name; None if they are no longer there."""
        if (corpus := self.artifacts.get("corpus")) is None:
            return {}
        data = corpus.path.resolve().parents[1]
        names = self.manifest_of("corpus").get("inputs", {})
        return {name: found(made_from, corpus, name, data, "raw") for name in names}

    def counts(self, kind: str) -> Mapping[str, Any]:
        """The counts of an artifact; empty without it."""
        return self.artifacts[kind].counts if kind in self.artifacts else {}

    def manifest_of(self, kind: str) -> Mapping[str, Any]:
        """The manifest of an artifact; empty without it."""
        return manifest_in(self.artifacts[kind].path) if kind in self.artifacts else {}

    def _of(self, kind: str, file: str) -> Any:
        return self._read(self.artifacts[kind].path / file) if kind in self.artifacts else None

    @staticmethod
    def _read(path: Path) -> Any:
        with suppress(OSError, ValueError):
            return json.loads(path.read_text("utf-8"))
        return None


def facts_of(run: Path) -> RunFacts:
    """The facts of a run's folder: what it was made from, and the newest of what was made of it."""
    configuration = manifest_in(run).get("configuration") or {}
    return RunFacts(configuration.get("name") or run.resolve().name, run, around(run))


def manifest_in(folder: Path) -> Mapping[str, Any]:
    """The manifest in a folder; empty without one."""
    with suppress(OSError, ValueError):
        return read_manifest(folder)
    return {}
