"""What may grow while a training goes on, and what must not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import linear_regression, median
from typing import Any

from femtogpt.progress import LOG_SECONDS, MOST_SECONDS, SHARE
from tasks.prefect_artifacts import SHOW_SECONDS
from tasks.run_metadata import LOAD_SECONDS
from tests.long.observed import Sample

ROWS = "rows of "
WARM_UP = 0.25  # of the samples, which are not looked at: caches fill, libraries are loaded
WEEK = 7 * 24 * 3600
# MB of one process beyond which it grows: 1.5 hours of this test have as many steps as days of
# a training at home.
MEMORY = 24.0
MEMORY_SHARE = 0.05
FEW = 3  # open files, threads and files more or less: something is just being written or sent
SOME_ROWS = 20  # of a table, whatever happens: a run begins, ends, is stopped
ROW_BYTES = {"mlflow": 400, "prefect": 2000}  # at most, with its part of the indexes
ROOM = 8.0  # MB by which a database grows at once, its journal included
# Rows of MLflow's table of metrics.
A_STEP, AN_EVALUATION = 7, 6
A_LOAD = 40  # 8, and some for each card
LATE_SECONDS = 20.0  # after a step, its rows are there
# Rows of Prefect's tables for one update of a progress, and for a heartbeat.
AN_UPDATE = {"events": 1, "event_resources": 5}
A_HEARTBEAT = {"events": 1, "event_resources": 2}
HEARTBEAT_SECONDS = 180.0


@dataclass(frozen=True)
class Row:
    """How one thing grew between the warm-up and the end."""

    name: str
    first: float  # of rows the first after the warm-up, else the median of its first quarter
    last: float  # in the same way
    per_hour: float  # the slope of the line that is fitted to all after the warm-up
    per_step: float
    allowed: float  # growth from ``first`` to ``last``

    @property
    def growth(self) -> float:
        return self.last - self.first

    @property
    def failure(self) -> str | None:
        if self.growth <= self.allowed:
            return None
        grew = f"grew by {self.growth:,.1f} from {self.first:,.1f}"
        return f"{self.name} {grew}; {self.allowed:,.1f} are explained"

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "failure": self.failure}


def judge(samples: Sequence[Sample], evaluate_every: int) -> list[Row]:
    """A row for everything that was seen in all samples after the warm-up."""
    kept = samples[int(WARM_UP * len(samples)) :]
    first, last = kept[: len(kept) // 4], kept[-(len(kept) // 4) :]
    seconds = [sample.seconds for sample in kept]
    steps = [float(sample.steps) for sample in kept]
    rows: list[Row] = []
    for name in sorted(set.intersection(*({*sample.values} for sample in kept))):
        values = [sample.values[name] for sample in kept]
        explained = _explained(name, first, last, evaluate_every)
        parts = (first[:1], last[-1:]) if ROWS in name else (first, last)  # they are exact
        middles = [median(sample.values[name] for sample in part) for part in parts]
        slopes = [linear_regression(along, values).slope for along in (seconds, steps)]
        rows.append(Row(name, *middles, 3600 * slopes[0], slopes[1], explained))
    return rows


def _explained(
    name: str, first: Sequence[Sample], last: Sequence[Sample], evaluate_every: int
) -> float:
    """By how much something may have grown."""
    whose, _, what = name.partition(": ")
    if what.startswith(ROWS):
        return _explained_rows(whose, what.removeprefix(ROWS), first[0], last[-1], evaluate_every)
    if what == "MB" and whose in ROW_BYTES:
        rows = [row for row in last[-1].values if row.startswith(f"{whose}: {ROWS}")]
        grown = sum(last[-1].values[row] - first[0].values.get(row, 0) for row in rows)
        return ROW_BYTES[whose] * grown / 1e6 + ROOM
    if what == "MB":
        return max(MEMORY, MEMORY_SHARE * median(sample.values[name] for sample in first))
    return FEW


def _explained_rows(
    database: str, table: str, begin: Sample, end: Sample, evaluate_every: int
) -> float:
    passed = end.seconds - begin.seconds
    if (database, table) == ("mlflow", "metrics"):
        steps = (end.steps - begin.steps) * (1 + LATE_SECONDS / passed)
        loads, evaluations = passed / LOAD_SECONDS, steps / evaluate_every
        return A_STEP * steps + AN_EVALUATION * evaluations + A_LOAD * loads + SOME_ROWS
    if (database, table) == ("prefect", "log"):
        return moments(LOG_SECONDS, begin.seconds, end.seconds) + SOME_ROWS
    if database == "prefect" and table in AN_UPDATE:
        updates = moments(SHOW_SECONDS, begin.seconds, end.seconds)
        beats = passed / HEARTBEAT_SECONDS + 1
        return AN_UPDATE[table] * updates + A_HEARTBEAT[table] * beats + SOME_ROWS
    return SOME_ROWS


def moments(shortest: float, begin: float, end: float) -> int:
    """How often a progress is shown between two moments, in seconds since it began."""
    now, count = 0.0, 0
    while now < end:
        now += max(shortest, min(SHARE * now, MOST_SECONDS))
        count += begin <= now < end
    return count


def table(rows: Iterable[Row]) -> str:
    """What grew, or could have, a line each."""
    form = "{:44} {:>12} {:>12} {:>14} {:>14} {:>14}"
    head = ("after the warm-up", "first", "last", "in an hour", "in 1000 steps", "allowed growth")
    lines = [form.format(*head)]
    for row in rows:
        is_still = row.growth == 0 and ROWS in row.name
        figures = (row.first, row.last, row.per_hour, 1000 * row.per_step, row.allowed)
        if not is_still:
            lines.append(form.format(row.name, *(f"{figure:,.1f}" for figure in figures)))
    return "\n".join(lines)
