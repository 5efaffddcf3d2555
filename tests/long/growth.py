"""A pipeline that trains with everything around it, watched from outside and stopped at the end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.faults.flow_kills import flow_states
from tests.faults.pictures import leftovers
from tests.long import observed
from tests.long.judged import AN_UPDATE, ROWS, SHOW_SECONDS, WARM_UP, WEEK, Row, judge, moments
from tests.long.observed import Sample
from tests.pipelines import Pipeline

EVALUATE_EVERY = 100  # steps; also between samples
FIRST_STEPS = 2 * EVALUATE_EVERY  # after which there are as many checkpoints as are kept
# Steps of some hundredths of a second; evaluations, samples and checkpoints every few seconds.
CONFIG = f"""
sources:
  stories: {{kind: sample, characters: 300000}}
corpus: {{held_out: 0.1}}
tokenizer: {{vocab_size: 600}}
model: {{layers: 2, width: 64, heads: 2, context: 64, dropout: 0.1}}
train: {{max_steps: 100000000, batch_size: 16, checkpoint_every: 50, threads: 1, device: cpu,
        evaluate_every: {EVALUATE_EVERY}, sample_every: {EVALUATE_EVERY}, evaluate_tokens: 1000,
        compile: false}}
samples: {{tokens: 20}}
"""
SAMPLES, FEWEST = 200, 20  # in all, and below which nothing can be said
BEGIN_SECONDS, END_SECONDS = 600.0, 180.0  # within which it begins to train, and ends
STOP_AT = 0.6  # of the time, for which everything is stopped for a while
GO_ON_SECONDS = 60.0  # after which the training has made steps again


@dataclass
class Course:
    """What was seen of a pipeline."""

    samples: list[Sample] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def rows(self) -> list[Row]:
        """How each thing grew."""
        return judge(self.samples, EVALUATE_EVERY) if len(self.samples) >= FEWEST else []

    def told(self) -> list[str]:
        """How much was done, and what a week of it would leave."""
        if len(self.samples) < 2:
            return []
        first, last = self.samples[int(WARM_UP * len(self.samples))], self.samples[-1]
        lines = [f"{last.steps:,} steps in {last.seconds:,.0f} s"]
        for database in ("mlflow", "prefect"):
            megabytes, rows = (
                last.values[f"{database}: MB"] - first.values[f"{database}: MB"],
                _rows(last, database) - _rows(first, database),
            )
            each = f", {1e6 * megabytes / rows:,.0f} bytes each" if rows else ""
            lines.append(f"{database}: {rows:,.0f} more rows after the warm-up{each}")
        a_week = moments(SHOW_SECONDS, 0, WEEK)
        rows = a_week * sum(AN_UPDATE.values())
        lines.append(f"a week has {a_week:,} updates of the progress, which are {rows:,} rows")
        return lines


def _rows(sample: Sample, database: str) -> float:
    return sum(
        value for name, value in sample.values.items() if name.startswith(f"{database}: {ROWS}")
    )


def watched(folder: Path, seconds: float, pause: float) -> Course:
    """Train for so long once it has begun to, with a pause of so many seconds in it."""
    temporary = folder / "tmp"
    temporary.mkdir(parents=True)
    own = {
        "PREFECT_HOME": str(folder / "prefect"),
        "TMPDIR": str(temporary),
        # Other programs may be at work.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "240",
        "OMP_NUM_THREADS": "1",
        "FEMTOGPT_WORKERS": "1",
    }
    pipeline = Pipeline(folder, {**os.environ, **own}, CONFIG)
    course = Course()
    with (folder / "output").open("wb") as output:
        command = pipeline.start(stdout=output)
        seen: dict[int, psutil.Process] = {}
        try:
            _watch(pipeline, command, course, seconds, pause, seen)
            if len(course.samples) < FEWEST:
                course.failures.append(f"only {len(course.samples)} looks: give more MINUTES")
            course.failures += _stopped(pipeline, command, folder / "output")
        except TimeoutError as error:
            course.failures.append(f"{error}: {_last_line(folder / 'output')}")
        finally:
            _end(command, seen)
    left = [name for name in leftovers(pipeline.data, temporary) if not name.startswith("run/")]
    course.failures += [f"left behind: {name}" for name in left[:3]]
    return course


def _watch(
    pipeline: Pipeline,
    command: subprocess.Popen[str],
    course: Course,
    seconds: float,
    pause: float,
    seen: dict[int, psutil.Process],
) -> None:
    """Take samples for so long; in the middle everything is stopped for a while."""
    limit = time.monotonic() + BEGIN_SECONDS
    while not (metrics := _metrics(pipeline)) or observed.last_step(metrics) < FIRST_STEPS:
        seen |= {process.pid: process for process in observed.processes(command.pid)}
        if command.poll() is not None or time.monotonic() > limit:
            raise TimeoutError(f"no {FIRST_STEPS} steps in {BEGIN_SECONDS:.0f} s")
        time.sleep(0.5)
    start = time.monotonic()
    stop_at, end = start + STOP_AT * seconds, start + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        if command.poll() is not None:
            raise TimeoutError("the pipeline ended")
        found = observed.processes(command.pid)
        seen |= {process.pid: process for process in found}
        if began > stop_at:
            stop_at = float("inf")
            course.failures += _pause(found, metrics, pause)
            continue
        values = _values(pipeline, metrics, found)
        course.samples.append(Sample(began - start, observed.last_step(metrics), values))
        wait = seconds / SAMPLES - (time.monotonic() - began)
        time.sleep(max(0.1, wait))


def _metrics(pipeline: Pipeline) -> Path | None:
    return next((pipeline.data / "run").glob(".*.partial/metrics.jsonl"), None)


def _values(pipeline: Pipeline, metrics: Path, found: Sequence[psutil.Process]) -> observed.Values:
    return {
        **observed.of_processes(found),
        **observed.of_database("mlflow", pipeline.mlruns / "mlflow.db"),
        **observed.of_database("prefect", pipeline.folder / "prefect/prefect.db"),
        **observed.of_folder("temporary", pipeline.folder / "tmp"),
        # Its metrics have lines for each step.
        **observed.of_folder("run", metrics.parent, without=metrics.name),
        **observed.of_folder("mlruns/artifacts", pipeline.mlruns / "artifacts"),
    }


def _pause(found: Sequence[psutil.Process], metrics: Path, seconds: float) -> Iterator[str]:
    """Stop all processes for a while; what is wrong afterwards."""
    with contextlib.ExitStack() as stack:
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
                stack.callback(_resume, process)
        before = observed.last_step(metrics)
        time.sleep(seconds)
        if (after := observed.last_step(metrics)) > before + 1:
            yield f"stopped, it trained {after - before} steps"
    limit = time.monotonic() + GO_ON_SECONDS
    while observed.last_step(metrics) <= after + 1:
        if time.monotonic() > limit:
            yield f"it does not go on after a stop of {seconds:.0f} s"
            return
        time.sleep(0.5)


def _resume(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.resume()


def _stopped(pipeline: Pipeline, command: subprocess.Popen[str], output: Path) -> Iterator[str]:
    """Stop it as a person does; what is wrong then."""
    command.send_signal(signal.SIGINT)
    try:
        status = command.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        yield f"stopped by Ctrl-C, it does not end in {END_SECONDS:.0f} s"
        return
    if status != 130:
        yield f"stopped by Ctrl-C, its status is {status}: {_last_line(output)}"
    if (state := flow_states(pipeline)[-1:]) != ["CANCELLED"]:
        yield f"stopped by Ctrl-C, Prefect says {state}"
    statuses = [run.info.status for run in pipeline.mlflow_runs()[1]]
    if statuses != ["KILLED"]:
        yield f"stopped by Ctrl-C, MLflow says {statuses}"
    if "Traceback" in output.read_text("utf-8", "replace"):
        yield "a traceback in its output"


def _end(command: subprocess.Popen[str], seen: dict[int, psutil.Process]) -> None:
    """Kill what is left of what was started."""
    seen |= {process.pid: process for process in observed.processes(command.pid)}
    for process in seen.values():  # psutil kills no other process that has its id by now
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    command.wait()


def _last_line(output: Path) -> str:
    lines = output.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
