"""The MLflow run above the runs of several generations."""

from __future__ import annotations

import logging
from typing import Any

from femtogpt.artifacts.artifact import Artifact
from femtogpt.config import Config
from femtogpt.training.metrics import BITS, METRICS_FILE, read_metrics
from tasks.mlflow_run import MLflowRun
from tasks.mlflow_store import end_run, one_line, open_parent_run

GENERATIONS_TAG = "femtogpt.generations"  # finds the run of a configuration's generations
log = logging.getLogger("femtogpt.tracking")


class MLflowGenerations:
    """The parent of a configuration's generations, however many; found or created when needed."""

    def __init__(self, config: Config):
        self.config = config
        train = config.train.model_copy(update={"generations": 1})
        self.key = MLflowRun(config.model_copy(update={"train": train})).key
        self.client: Any = None
        self.run_id = ""

    def open(self) -> str:
        """Go on in the run, or create it; its id. Raises UserError if MLflow's store refuses."""
        if self.client is None:
            self.client, self.run_id = open_parent_run(
                self.config.paths.mlruns,
                self.config.name,
                (GENERATIONS_TAG, self.key),
                f"generations, {self.key[:4]}",
                {"train.teacher_share": self.config.train.teacher_share},
            )
        return self.run_id

    def log_generation(self, number: int, run: Artifact) -> None:
        """Log the last held-out estimate of a generation's training, with its number as the step.

        Only if something is logged in this process at all; a failing store is a warning.
        """
        estimates = [line[BITS] for line in read_metrics(run.path / METRICS_FILE) if BITS in line]
        if self.client is None or not estimates:
            return
        try:
            self.client.log_metric(self.run_id, f"generations/{BITS}", estimates[-1], step=number)
        except Exception as error:  # whatever the store's database or network raises
            log.warning("MLflow does not take a figure of %s: %s", run.path, one_line(error))

    def end(self, status: str, reason: str = "") -> None:
        """Mark it FINISHED, FAILED or KILLED, if anything was logged. Never raises."""
        if self.client is not None:
            end_run(self.client, self.run_id, status, reason)
