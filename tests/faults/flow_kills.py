"""The whole command is killed, with Prefect and MLflow: what they say, then and in the end."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing, suppress
from functools import cached_property
from pathlib import Path

import psutil

from tests.faults.__main__ import FEW
from tests.faults.kills import FLOW_EVERY
from tests.faults.pictures import essence, leftovers, picture
from tests.pipelines import Pipeline, training_processes

STAGES = ("raw", "corpus", "tokens", "run", "evaluation", "memory", "report")
COMMAND, FLOW, BOTH = "the command", "its flow", "both"  # processes: the first guards the second
WAYS = (
    (signal.SIGKILL, FLOW),
    (signal.SIGKILL, BOTH),
    (signal.SIGTERM, COMMAND),
    (signal.SIGKILL, COMMAND),
    (signal.SIGINT, COMMAND),
)
# What Prefect says of such a run, and what its last line has.
LEFT = {COMMAND: ("CANCELLED", "stopped: "), FLOW: ("CRASHED", " was killed by SIGKILL ")}
ENDED = {*("COMPLETED", "CANCELLED", "CRASHED", "FAILED")}
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

    def killed(self, seed: int) -> tuple[str, str | None, int]:
        """Kill a pipeline and run it to its end: what was done, what is wrong, and how many hit."""
        draw = random.Random(f"flow {seed}")
        stage, (number, target) = draw.choice(STAGES), WAYS[seed // FLOW_EVERY % len(WAYS)]
        after = draw.random() * WITHIN_SECONDS
        self.unbroken  # noqa: B018  is made first
        pipeline = self.pipeline(str(seed))
        process = pipeline.start()
        await_stage(pipeline, process, stage)
        time.sleep(after)
        struck(process, target, number)
        output = ended(pipeline, process)
        what = f"{number.name} to {target} {after:.3f} s into {stage}"
        hits = int(process.returncode != 0)  # or it had ended well before
        return what, self._wrong(pipeline, process, target, output), hits

    def _wrong(
        self,
        pipeline: Pipeline,
        process: subprocess.Popen[str],
        target: str,
        output: str,
    ) -> str | None:
        if "Traceback" in output:
            error = re.search(r"^\w[\w.]*(Error|Exception|Interrupt|Exit|Signal).*", output, re.M)
            return f"a traceback: {error[0] if error else output.strip()[-200:]!r}"
        if process.returncode and (told := _told_of_stop(pipeline, target, output)):
            return told
        done = pipeline.run()
        if done.returncode:
            return f"the same command failed: {(done.stderr.strip().splitlines() or [''])[-1]}"
        if process.returncode:
            state = LEFT[COMMAND if target == COMMAND else FLOW][0]
            if (states := flow_states(pipeline)) != [state, "COMPLETED"]:
                return f"Prefect says {states} after the end"
        return self.difference(pipeline)

    def difference(self, pipeline: Pipeline, known: bool = True) -> str | None:
        """What is wrong after the end, in one line; ``known``: Prefect has to know of each run."""
        states = flow_states(pipeline)
        open_ones = {*states, *task_states(pipeline)} - ENDED if known else set()
        if states[-1:] != ["COMPLETED"] or open_ones:
            tasks = Counter(task_states(pipeline))
            return f"Prefect says {states} after the end, and of tasks {dict(tasks)}"
        if left := [*(pipeline.folder / "prefect/open").glob("*")] or servers_of(pipeline):
            return f"left behind: {left[0]}"
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


def _told_of_stop(pipeline: Pipeline, target: str, output: str) -> str | None:
    """What is wrong with what a command, Prefect and MLflow say of a run that was stopped."""
    states, statuses = flow_states(pipeline), set()
    if (pipeline.mlruns / "mlflow.db").exists():
        statuses = {run.info.status for run in pipeline.mlflow_runs()[1]}
    if target == BOTH:  # nobody is left to say it, until the next run
        wrong = "COMPLETED" in states or statuses - {"KILLED", "RUNNING"}
        return f"Prefect says {states}, MLflow {statuses}" if wrong else None
    state, line = LEFT[target]
    if states != [state]:
        return f"Prefect says {states}"
    if line not in (output.strip().splitlines() or [""])[-1]:
        return f"the last line does not say that it was stopped: {output.strip()[-200:]!r}"
    return f"MLflow says {statuses}" if statuses - {"KILLED"} else None


def struck(process: subprocess.Popen[str], target: str, number: signal.Signals) -> None:
    """Send a signal to a command that runs, to its flow's process, or to both at once."""
    flows = psutil.Process(process.pid).children() if target != COMMAND else []
    if target != FLOW:
        process.send_signal(number)
    for flow in flows:
        flow.send_signal(number)


def flow_states(pipeline: Pipeline) -> list[str]:
    """The states of the flow runs in Prefect's database, in the order of their beginning."""
    return _asked(pipeline, "select state_type from flow_run order by start_time")


def task_states(pipeline: Pipeline) -> list[str]:
    return _asked(pipeline, "select state_type from task_run")


def _asked(pipeline: Pipeline, query: str) -> list[str]:
    database = pipeline.folder / "prefect/prefect.db"
    if not database.exists():
        return []
    with closing(sqlite3.connect(database)) as connection:
        return [row[0] for row in connection.execute(query)]


def servers_of(pipeline: Pipeline) -> list[str]:
    """Processes that live on with a pipeline's folder of Prefect's."""
    mark = f"PREFECT_HOME={pipeline.folder / 'prefect'}\0".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in path.read_bytes():
                found.append(path.with_name("cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found
