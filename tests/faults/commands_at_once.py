"""Several whole commands at once: what they, Prefect and MLflow say, and what they leave."""

from __future__ import annotations

import math
import random
import re
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.faults.flow_kills import TIMED, Flow, flow_states, task_states
from tests.faults.pictures import difference, essence, leftovers, picture
from tests.pipelines import Pipeline

APART_SECONDS = 1.0  # at most, between the starts of two runs
COMMAND_SECONDS = 300  # in which up to three whole commands end at once on a busy machine
SEEDS = ((0, 0), (0, 1), (0, 1, 2), (0, 1, 0, 1, 2))  # 0, 1, … in any case
MADE = re.compile(r": made in .* \(([^()]*)\)$", re.M)


class Commands:
    """Whole commands, which begin MLflow's and Prefect's databases too."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._alone = Flow(folder / "alone").pipeline("alone")
        self._left: list[dict[str, set[str]]] = []  # by the seeds 0, 0 and 1, …, one after another

    def at_once(self, draw: random.Random) -> tuple[str, str | None]:
        """What was done, and what is wrong."""
        # MLflow keeps open in this process what it once read: each try has a folder of its own.
        flow = Flow(self.folder / f"{draw.getrandbits(32):08x}")
        pipeline = flow.pipeline("one")
        seeds = draw.choice(SEEDS)
        started = []
        for number, seed in enumerate(seeds):
            with (pipeline.folder / f"{number}.txt").open("w") as log:
                started.append(pipeline.start(f"seed={seed}", stdout=log))
            time.sleep(draw.random() * APART_SECONDS)
        seconds = COMMAND_SECONDS * math.ceil(len(seeds) / 3)
        statuses = [process.wait(seconds) for process in started]
        logs = [(pipeline.folder / f"{n}.txt").read_text("utf-8") for n in range(len(seeds))]
        failure = self._wrong(pipeline, seeds, statuses, "".join(logs))
        shutil.rmtree(flow.folder)
        return f"{len(seeds)} whole commands with the seeds {seeds}", failure

    def _wrong(
        self, pipeline: Pipeline, seeds: Sequence[int], statuses: list[int], said: str
    ) -> str | None:
        if any(statuses) or "Traceback" in said:
            errors = [line for line in said.splitlines() if "rror" in line]
            return f"they ended with {statuses}: {(errors or said.splitlines() or [''])[-1]}"
        runs = [run.info.status for run in pipeline.mlflow_runs()[1]]
        if runs != ["FINISHED"] * len({*seeds}):
            return f"MLflow has runs {runs}"
        if (states := flow_states(pipeline)) != ["COMPLETED"] * len(seeds):
            return f"Prefect has flow runs {states}"
        if (tasks := Counter(task_states(pipeline))).keys() != {"COMPLETED"}:
            return f"Prefect has tasks {dict(tasks)}"
        if twice := [path for path, times in Counter(MADE.findall(said)).items() if times > 1]:
            return f"{twice[0]} is made twice"
        if left := leftovers(pipeline.data, pipeline.folder / "tmp"):
            return f"left behind: {', '.join(left[:3])}"
        return difference(self._expected(len({*seeds})), _untimed(pipeline))

    def _expected(self, seeds: int) -> dict[str, set[str]]:
        """What commands leave with so many seeds, one after another."""
        while len(self._left) < seeds:
            done = self._alone.run(f"seed={len(self._left)}")
            assert done.returncode == 0, done.stderr
            self._left.append(_untimed(self._alone))
        return self._left[seeds - 1]


def _untimed(pipeline: Pipeline) -> dict[str, set[str]]:
    """What a pipeline has left, except files with times in them."""
    files = essence(picture(pipeline.data)).items()
    return {name: sums for name, sums in files if Path(name).name not in TIMED}
