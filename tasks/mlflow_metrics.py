"""Forwards a training's metrics and samples to MLflow, each value once."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from itertools import islice
from typing import Any

from femtogpt.training.metrics import BITS, METRICS_FILE, SAMPLE
from tasks.mlflow_samples import SampleTable
from tasks.mlflow_store import one_line

BATCH_SIZE = 900  # metrics per call; MLflow takes 1000
AXES = ("step", "tokens", "seconds", "time")  # of a line; everything else in it is a value
Points = dict[tuple[str, int], tuple[float, int]]  # (name, step): (value, milliseconds)
log = logging.getLogger("femtogpt.tracking")


class MetricsForwarder:
    """Sends lines of a metrics file to an MLflow run.

    Lines may be added again, and in another process: a value that MLflow has is not sent twice.
    What MLflow does not take is kept and sent later; ``failure`` then says why, in one line. MLflow
    draws values only by step, so those to be compared by tokens, seconds or operations are sent
    once more with these as their step.
    """

    def __init__(self, client: Any, run_id: str, flops_per_token: float = 0.0):
        self.client, self.run_id = client, run_id
        self.flops_per_token = flops_per_token
        self.failure = ""
        self._samples = SampleTable(client, run_id)
        self._pending: Points = {}
        self._last_steps = self._read_last_steps()
        self._in_doubt = False  # whether MLflow may have taken more than ``_last_steps`` says

    def add(self, lines: Iterable[dict[str, Any]]) -> None:
        """Take lines to be sent."""
        for line in lines:
            if SAMPLE in line:
                self._samples.add(line)
            else:
                self._pending |= self._points(line)

    def send(self) -> None:
        """Send what MLflow lacks. A failing store is a warning, once, and no exception."""
        try:
            if self._in_doubt:
                self._last_steps = self._read_last_steps()
            self._in_doubt = True  # until all is sent, whatever interrupts this
            self._send_pending()
            self._samples.send()
            self._in_doubt, self.failure = False, ""
        except Exception as error:  # whatever the store's database or network raises
            if not self.failure:
                log.warning(
                    "MLflow takes no metrics now (%s): they stay in %s and are sent later",
                    *(one_line(error), METRICS_FILE),
                )
            self.failure = one_line(error)

    def _read_last_steps(self) -> dict[str, int]:
        """By metric, the last step that MLflow has."""
        return {
            name: max(point.step for point in self.client.get_metric_history(self.run_id, name))
            for name in self.client.get_run(self.run_id).data.metrics
        }

    def _points(self, line: dict[str, Any]) -> Points:
        """The values of a line, by each axis along which they are drawn."""
        # MLflow's pages list metrics in the order in which they came, and offer the first.
        names = sorted(line.keys() - set(AXES), key=lambda name: (name != BITS, name))
        values = {name: line[name] for name in names}
        points = {(name, line["step"]): value for name, value in values.items()}
        points |= {(name, line["step"]): line[name] for name in ("tokens", "seconds")}
        for name, value in values.items():
            if name.endswith("loss") or name == BITS:
                points[f"by_tokens/{name}", line["tokens"]] = value
            if name == BITS:
                points["held_out_bits_per_character/by_seconds", round(line["seconds"])] = value
                mflop = line["tokens"] * self.flops_per_token / 1e6
                points["held_out_bits_per_character/by_mflop", round(mflop)] = value
        milliseconds = round(line["time"] * 1000)
        return {point: (value, milliseconds) for point, value in points.items()}

    def _send_pending(self) -> None:
        if not self._pending:
            return
        from mlflow.entities import Metric

        lacking = (
            Metric(name, value, milliseconds, step)
            for (name, step), (value, milliseconds) in self._pending.items()
            if step > self._last_steps.get(name, -1)
        )
        while metrics := list(islice(lacking, BATCH_SIZE)):
            self.client.log_batch(self.run_id, metrics=metrics)
        for name, step in self._pending:
            self._last_steps[name] = max(step, self._last_steps.get(name, -1))
        self._pending = {}
