"""The MLflow run of a sweep: the parent of its trials' runs."""

from __future__ import annotations

import json
import logging
from typing import Any

from femtogpt.config import Config
from femtogpt.evaluation.metric_registry import RANKING
from femtogpt.sweep.study import Study, Trial
from femtogpt.sweep.sweep_config import SweepConfig
from femtogpt.sweep.sweep_report import BEST, PICTURE, TABLE, trial_name
from tasks.mlflow_run import MLflowRun
from tasks.mlflow_store import (
    end_run,
    explain_store_errors,
    one_line,
    open_parent_run,
    store_uri,
)

STUDY_TAG = "femtogpt.sweep"  # finds the run of a study
log = logging.getLogger("femtogpt.tracking")


class MLflowSweepRun:
    """The run of a study, in the experiment of the configuration that the study varies."""

    def __init__(self, sweep: SweepConfig, study: Study, config: Config):
        """Go on in the run, or create it. Raises UserError if MLflow's store refuses."""
        self.study = study
        params = {
            "search": sweep.search,
            **{name: _as_json(values) for name, values in sweep.settings.items()},
            **sweep.changes,
        }
        self.client, self.run_id = open_parent_run(
            config.paths.mlruns,
            config.name,
            (STUDY_TAG, study.folder.name),
            f"sweep {sweep.name}",
            params,
        )
        with explain_store_errors(store_uri(config.paths.mlruns)):
            info = self.client.get_run(self.run_id).info
        self.record = {
            "run_id": self.run_id,
            "experiment_id": info.experiment_id,
            "name": info.run_name,
        }

    def trial_run(self, config: Config, trial: Trial) -> MLflowRun:
        """The run of a trial, below this one."""
        return MLflowRun(config, name=trial_name(trial.chosen), parent=self.run_id)

    def log_results(self) -> None:
        """Log the table, the picture and the best configuration so far.

        A failing store is a warning and no exception: the next call logs all of it.
        """
        try:
            for file in (TABLE, PICTURE, BEST):
                if (path := self.study.folder / file).is_file():
                    self.client.log_artifact(self.run_id, str(path))
            if best := self.study.best():
                figures = {**best.get("metrics", {}), RANKING: best["bits"]}
                for name, value in figures.items():
                    done = len(self.study.done())
                    self.client.log_metric(self.run_id, f"best/{name}", value, step=done)
        except Exception as error:  # whatever the store's database or network raises
            log.warning(
                "MLflow does not take the sweep's table now (%s): it stays in %s",
                *(one_line(error), self.study.folder),
            )

    def end(self, status: str, reason: str = "") -> None:
        """Mark it FINISHED, FAILED or KILLED. Never raises."""
        end_run(self.client, self.run_id, status, reason)


def _as_json(values: Any) -> str:
    listed = values if isinstance(values, list) else values.model_dump()
    return json.dumps(listed, ensure_ascii=False)
