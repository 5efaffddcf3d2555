"""The disk of MLflow's store, or of Prefect's, fills while the whole command runs."""

from __future__ import annotations

import random
import re
from pathlib import Path

from tests.faults.flow_kills import STAGES, Flow, await_stage, ended
from tests.faults.mounts import fill, small_disk

MLFLOW, PREFECT = STORES = ("MLflow", "Prefect")
FULL_DISK = re.compile("full|No space left|disk I/O error")  # in SQLite's words, or the system's
SIZE = 48 << 20  # bytes of the disk: a store takes a few megabytes


def filled(flow: Flow, seed: int, store: str) -> tuple[str, str | None]:
    """Fill the disk of a store, make room and run to the end: what was done, what is wrong."""
    stage = random.Random(f"flow disk {seed}").choice(STAGES)
    flow.unbroken  # noqa: B018  is made first
    pipeline = flow.pipeline(str(seed))
    folder = {MLFLOW: pipeline.mlruns, PREFECT: pipeline.folder / "prefect"}[store]
    what = f"the disk of {store}'s store is full from {stage} on"
    with small_disk(folder, SIZE):
        process = pipeline.start()
        await_stage(pipeline, process, stage)
        fill(folder / "ballast", 0)
        output = ended(pipeline, process)
        (folder / "ballast").unlink(missing_ok=True)
        failure = untold(output, folder) if process.returncode else None
        done = pipeline.run()
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [""])[-1]
            failure = failure or f"the same command failed: {last}"
        # A run that goes on to its end without room for Prefect's record is not recorded.
        known = store != PREFECT or process.returncode != 0
        return what, failure or flow.difference(pipeline, known)


def untold(output: str, folder: Path) -> str | None:
    """What is wrong with what a command said that a full disk ended."""
    if "Traceback" in output:
        error = re.search(r"^\w[\w.]*(Error|Exception).*", output, re.M)
        return f"a traceback: {error[0] if error else output.strip()[-200:]!r}"
    errors = [line for line in output.splitlines() if line.startswith("error: ")]
    if len(errors) != 1 or str(folder) not in errors[0] or not FULL_DISK.search(errors[0]):
        return f"it said {errors or output.strip()[-300:]!r}"
    return None
