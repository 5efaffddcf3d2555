"""The whole command is killed, with Prefect and MLflow: what they say, then and in the end."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from functools import cached_property
from pathlib import Path

from tests.faults.__main__ import FEW
from tests.faults.pictures import essence, leftovers, picture
from tests.pipelines import Pipeline, training_processes

STAGES = ("raw", "corpus", "tokens", "run", "evaluation", "memory", "report")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
WITHIN_SECONDS = 1.0  # of a stage's beginning, it is killed
TIMED = {"metrics.jsonl", "train.log", "summary.txt"}  # files with times in them


class Flow:
    """One pipeline in a folder, and what an unbroken one left."""

    def __init__(self, folder: Path):
        self.folder = folder

    @cached_property
    def unbroken(self) -> Pipeline:
        pipeline = self.pipeline("unbroken")
        done = pipeline.run()
        assert done.returncode == 0, done.stderr
        return pipeline

    def pipeline(self, name: str) -> Pipeline:
        folder = self.folder / name
        (folder / "tmp").mkdir(parents=True)
        usual = {name: value for name, value in os.environ.items() if name not in FEW}
        own = {"PREFECT_HOME": str(folder / "prefect"), "TMPDIR": str(folder / "tmp")}
        return Pipeline(folder, {**usual, **own})

    def killed(self, seed: int) -> tuple[str, str | None]:
        """Kill a pipeline and run it to its end: what was done, and what is wrong."""
        draw = random.Random(f"flow {seed}")
        stage, number = draw.choice(STAGES), draw.choice(SIGNALS)
        after = draw.random() * WITHIN_SECONDS
        self.unbroken  # noqa: B018  is made first
        pipeline = self.pipeline(str(seed))
        process = pipeline.start()
        await_stage(pipeline, process, stage)
        time.sleep(after)
        process.send_signal(number)
        output = ended(pipeline, process)
        what = f"{number.name} to make pipeline {after:.3f} s into {stage}"
        return what, self._wrong(pipeline, process, number, output)

    def _wrong(
        self,
        pipeline: Pipeline,
        process: subprocess.Popen[str],
        number: signal.Signals,
        output: str,
    ) -> str | None:
        if "Traceback" in output:
            error = re.search(r"^\w[\w.]*(Error|Exception|Interrupt|Exit|Signal).*", output, re.M)
            return f"a traceback: {error[0] if error else output.strip()[-200:]!r}"
        if process.returncode and (told := _told_of_stop(pipeline, number)):
            return told
        done = pipeline.run()
        if done.returncode:
            return f"the same command failed: {(done.stderr.strip().splitlines() or [''])[-1]}"
        return self.difference(pipeline)

    def difference(self, pipeline: Pipeline) -> str | None:
        """What is wrong after the end, in one line."""
        if (state := prefect_state(pipeline)) != "COMPLETED":
            return f"Prefect says {state} after the end"
        _, runs = pipeline.mlflow_runs()
        if [run.info.status for run in runs] != ["FINISHED"]:
            return f"MLflow has runs {[run.info.status for run in runs]} after the end"
        if pipeline.course() != self.unbroken.course():
            return "the course in MLflow differs"
        if left := leftovers(pipeline.data, pipeline.folder / "tmp"):
            return f"left behind: {', '.join(left[:3])}"
        ours, theirs = (essence(picture(each.data)) for each in (pipeline, self.unbroken))
        odd = [name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name)]
        odd = [name for name in odd if Path(name).name not in TIMED]
        return f"{min(odd)} differs" if odd else None


def await_stage(pipeline: Pipeline, process: subprocess.Popen[str], stage: str) -> None:
    end = time.monotonic() + 240
    while not (pipeline.data / stage).exists() and process.poll() is None:
        assert time.monotonic() < end, f"the pipeline did not come to {stage}"
        time.sleep(0.02)


def ended(pipeline: Pipeline, process: subprocess.Popen[str]) -> str:
    """What a process has said when it and all that it started are gone."""
    output, _ = process.communicate(timeout=120)
    end = time.monotonic() + 60
    while (left := training_processes(pipeline.folder)) and time.monotonic() < end:
        time.sleep(0.1)
    return f"Traceback\nRunningError: {left[0]}" if left else output


def _told_of_stop(pipeline: Pipeline, number: signal.Signals) -> str | None:
    """What is wrong with what Prefect and MLflow say of a pipeline that was stopped."""
    killed = number == signal.SIGKILL
    state = prefect_state(pipeline)
    if state == "COMPLETED" or (not killed and state not in (None, "CANCELLED")):
        return f"Prefect says {state}"
    statuses = set()
    if (pipeline.mlruns / "mlflow.db").exists():
        statuses = {run.info.status for run in pipeline.mlflow_runs()[1]}
    allowed = {"KILLED", "RUNNING"} if killed else {"KILLED"}
    return f"MLflow says {statuses}" if statuses - allowed else None


def prefect_state(pipeline: Pipeline) -> str | None:
    """The state of the flow run that began last, in Prefect's database; None without one."""
    database = pipeline.folder / "prefect/prefect.db"
    if not database.exists():
        return None
    with closing(sqlite3.connect(database)) as connection:
        query = "select state_type from flow_run order by start_time desc limit 1"
        row = connection.execute(query).fetchone()
    return row[0] if row else None
