"""Carries a training's metrics to MLflow while it runs, each value once."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from femtogpt.training.metrics import read_metrics

BATCH = 900  # metrics sent at once; MLflow takes 1000
AXES = ("step", "tokens", "seconds", "time")  # of a line, besides its values
log = logging.getLogger("femtogpt.tracking")


class Recorder:
    """Follows a metrics file into an MLflow run.

    The file is the truth: what MLflow cannot take now is sent later, and what it already has,
    from before a stop, is not sent twice.
    """

    def __init__(self, client: Any, run_id: str):
        self.client, self.run_id = client, run_id
        self.place = 0  # bytes of the file that MLflow has
        self.last = {  # by metric, the last step that MLflow has
            name: max(point.step for point in client.get_metric_history(run_id, name))
            for name in client.get_run(run_id).data.metrics
        }
        self.away = False

    def follow(self, path: Path) -> None:
        """Send the lines that are new; a tracker that is away gives one warning, no exception."""
        try:
            self._follow(path)
            self.away = False
        except Exception as error:  # whatever the tracker's database or network raises
            if not self.away:
                log.warning("MLflow does not take metrics now (%s): they are in %s", error, path)
            self.away = True

    def _follow(self, path: Path) -> None:
        if path.is_file() and path.stat().st_size < self.place:  # cut back to a checkpoint
            self.place = 0
        points: dict[tuple[str, int], tuple[float, int]] = {}
        place = self.place
        for place, line in read_metrics(path, self.place):
            points |= self._new(line)
            if len(points) >= BATCH:
                self._send(points, place)
                points = {}
        self._send(points, place)

    def _new(self, line: dict) -> dict[tuple[str, int], tuple[float, int]]:
        """(name, step) to (value, milliseconds), for the line's values that MLflow lacks."""
        values = {name: value for name, value in line.items() if name not in AXES}
        points = {(name, line["step"]): value for name, value in values.items()}
        points |= {(name, line["step"]): line[name] for name in ("tokens", "seconds")}
        for name, value in values.items():
            if name.endswith("loss"):
                points[f"{name}_by_tokens", line["tokens"]] = value
        moment = round(line["time"] * 1000)
        return {
            (name, step): (value, moment)
            for (name, step), value in points.items()
            if step > self.last.get(name, -1)
        }

    def _send(self, points: dict[tuple[str, int], tuple[float, int]], place: int) -> None:
        from mlflow.entities import Metric

        if points:
            metrics = [
                Metric(name, value, moment, step)
                for (name, step), (value, moment) in points.items()
            ]
            self.client.log_batch(self.run_id, metrics=metrics)
        for name, step in points:
            self.last[name] = max(step, self.last.get(name, -1))
        self.place = place
