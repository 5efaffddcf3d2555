"""The MLflow run above the runs of several generations."""

from __future__ import annotations

import logging
from typing import Any

from femtogpt.artifacts.artifact import Artifact
from femtogpt.config import Config
from femtogpt.training.metrics import BITS, METRICS_FILE, read_metrics
from tasks.mlflow_run import MLflowRun
from tasks.mlflow_store import (
    end_run,
    explain_store_errors,
    find_or_create_run,
    note_open_run,
    one_line,
    store_uri,
    unix_milliseconds,
)

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
            uri, folder = store_uri(self.config.paths.mlruns), self.config.paths.mlruns
            creation = {
                "start_time": unix_milliseconds(),
                "run_name": f"generations, {self.key[:4]}",
                "tags": {},
            }
            params = {"train.teacher_share": self.config.train.teacher_share}
            tag = (GENERATIONS_TAG, self.key)
            client, self.run_id = find_or_create_run(
                uri, folder, self.config.name, tag, creation, params
            )
            with explain_store_errors(uri):
                client.update_run(self.run_id, status="RUNNING")
            note_open_run(uri, self.run_id)
            self.client = client
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
