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
from tasks.mlflow_metrics import briefly
from tasks.mlflow_run import Tracking
from tasks.mlflow_store import end, keep_open, now, opened, uri_of, usable

TAG = "femtogpt.sweep"  # finds the run of a study
log = logging.getLogger("femtogpt.tracking")


class SweepRun:
    """A study's run, in the experiment of the configuration that it varies."""

    def __init__(self, sweep: SweepConfig, study: Study, config: Config):
        self.study = study
        uri, folder = uri_of(config.paths.mlruns), config.paths.mlruns
        params = {
            "search": sweep.search,
            **{name: _words(values) for name, values in sweep.settings.items()},
            **sweep.changes,
        }
        begin = {"start_time": now(), "run_name": f"sweep {sweep.name}", "tags": {}}
        key = (TAG, study.folder.name)
        self.client, self.run_id = opened(uri, folder, config.name, key, begin, params)
        with usable(uri):
            self.client.update_run(self.run_id, status="RUNNING")
            known = self.client.get_run(self.run_id).info
        keep_open(uri, self.run_id)
        self.told = {
            "run_id": self.run_id,
            "experiment_id": known.experiment_id,
            "name": known.run_name,
        }

    def child(self, config: Config, trial: Trial) -> None:
        """Have the run of a trial's configuration stand below this one."""
        tracking = Tracking.of(config)
        tracking.parent, tracking.name = self.run_id, trial_name(trial.chosen)

    def show(self) -> None:
        """Bring the table, the picture and the best configuration there.

        A tracker that is away gives a warning, no exception: the next call brings them all.
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
        except Exception as error:  # whatever the tracker's database or network raises
            kept = self.study.folder
            log.warning("MLflow takes no table now (%s); kept in %s", briefly(error), kept)

    def end(self, status: str, why: str = "") -> None:
        """Mark it FINISHED, FAILED or KILLED."""
        end(self.client, self.run_id, status, why)


def _words(values: Any) -> str:
    listed = values if isinstance(values, list) else values.model_dump()
    return json.dumps(listed, ensure_ascii=False)
