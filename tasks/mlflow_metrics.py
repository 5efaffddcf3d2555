"""Carries a training's metrics and samples to MLflow while it runs, each value once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from femtogpt.training.metrics import BITS, SAMPLE, MetricsReader
from tasks.mlflow_samples import SampleTable

BATCH = 900  # metrics sent at once; MLflow takes 1000
AXES = ("step", "tokens", "seconds", "time")  # of a line, besides its values
Points = dict[tuple[str, int], tuple[float, int]]  # (name, step): (value, milliseconds)
log = logging.getLogger("femtogpt.tracking")


def briefly(error: Exception) -> str:
    """What an error says, in one line: the database's own, without the statement around it."""
    for each in (error, error.__cause__, error.__context__):
        error = getattr(each, "orig", None) or error  # as SQLAlchemy keeps it
    return (str(error).strip() or type(error).__name__).splitlines()[0]


class InOneThread:
    """A client whose methods run in a thread of their own, one after another.

    Ctrl-C then strikes who waits for them and never a transaction of MLflow's, which would leave
    its database locked for what comes next.
    """

    def __init__(self, make: Callable[[], Any]):
        self._thread = ThreadPoolExecutor(1, "mlflow")
        self._client = self._thread.submit(make).result()

    def __getattr__(self, name: str) -> Callable:
        method = getattr(self._client, name)
        return lambda *given, **named: self._thread.submit(method, *given, **named).result()


class Recorder:
    """Follows a metrics file into an MLflow run.

    The file is the truth: what MLflow cannot take now is sent later, and what it already has,
    from before a stop, is not sent twice. MLflow draws by the step of a point alone: what is to be
    compared by tokens, seconds or operations is sent once more with these as steps.
    """

    def __init__(self, client: Any, run_id: str, path: Path, flops_per_token: float = 0.0):
        self.client, self.run_id, self.path = client, run_id, path
        self.flops_per_token = flops_per_token
        self.away, self.why = False, ""
        self._begin()

    def _begin(self) -> None:
        """Read the file from its start, knowing by metric the last step that MLflow has."""
        self.tail = MetricsReader(self.path)
        self.samples = SampleTable(self.client, self.run_id)
        self.last = {
            name: max(point.step for point in self.client.get_metric_history(self.run_id, name))
            for name in self.client.get_run(self.run_id).data.metrics
        }

    def follow(self) -> None:
        """Send the lines that are new; a tracker that is away gives one warning, no exception."""
        try:
            if self.away:
                self._begin()
            points: Points = {}
            for line in self.tail.new():
                if SAMPLE in line:
                    self.samples.add(line)
                    continue
                points |= self._new(line)
                if len(points) >= BATCH:
                    self._send(points)
                    points = {}
            self._send(points)
            self.samples.send()
            self.away = False
        except Exception as error:  # whatever the tracker's database or network raises
            self.why = briefly(error)
            if not self.away:
                log.warning("MLflow takes no metrics now (%s); kept in %s", self.why, self.path)
            self.away = True
        except BaseException:  # a stop, perhaps between reading lines and sending them
            self.away = True
            raise

    def _new(self, line: dict) -> Points:
        """(name, step) to (value, milliseconds), for the line's values that MLflow lacks."""
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
        moment = round(line["time"] * 1000)
        return {
            (name, step): (value, moment)
            for (name, step), value in points.items()
            if step > self.last.get(name, -1)
        }

    def _send(self, points: Points) -> None:
        from mlflow.entities import Metric

        if not points:
            return
        metrics = [
            Metric(name, value, moment, step) for (name, step), (value, moment) in points.items()
        ]
        self.client.log_batch(self.run_id, metrics=metrics)
        for name, step in points:
            self.last[name] = max(step, self.last.get(name, -1))
