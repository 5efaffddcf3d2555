"""The disk fills, or a folder can only be read; after room is made, the same command goes on.

The stages and the ways take turns; how much room is left, and when, is drawn. The data folder is on
a small disk of its own, the temporary folder and the log are elsewhere.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from femtogpt.artifacts.disk import file_digest
from femtogpt.artifacts.room import size_of
from femtogpt.model.files import CHECKPOINT_FILE, CHECKPOINTS
from tests.faults import kills
from tests.faults.chain import STAGES
from tests.faults.mounts import fill, mount, read_only, small_disk
from tests.faults.outcomes import Try
from tests.faults.pictures import Picture, difference, picture
from tests.faults.worker import End, Strike, Worker

FULL = 72
WAYS = ("too small", "filled meanwhile", "read-only")
CHECKPOINT = "in a checkpoint"
# One of so many tries is of the whole command, with Prefect and MLflow, one of a checkpoint. The
# others are of the pairs of a stage and a way, one after another, so that none is left out.
EVERY, COMMAND_TURN, CHECKPOINT_TURN = 18, 17, 8
WRITTEN = f"/{CHECKPOINTS}/.partial/."  # in the paths of files of a checkpoint, while it is written
MOST_WRITES = 40  # of the first checkpoints of a run: opened and renamed files
SPARE = 32 << 20  # bytes on the disk beyond what the worker has there
LEFT = (0, 4096, 1 << 16, 1 << 18)  # bytes, by what another program fills the disk
NEED = re.compile(r"needs at least [\d,.]+ [kM]B, and [\d,.]+ [kM]B are free: free some space")
READ_ONLY = re.compile(r"cannot be written: change its permissions")


@dataclass(frozen=True)
class Filling(Strike):
    """Another program fills the disk at a moment, but for ``room`` bytes."""

    ballast: Path = Path()
    room: int = 0

    def comes(self, pid: int) -> None:
        fill(self.ballast, self.room)

    def __str__(self) -> str:
        of = " of a checkpoint's files" if self.within else ""
        return f"{self.room} bytes are left in {self.stage} from operation {self.operation}{of}"


def tries(seed: int, folder: Path) -> Iterator[Try]:
    with worker_on_disk(folder, SPARE) as worker:
        flow = None
        for number in count(seed):
            if number % EVERY != COMMAND_TURN:
                yield one_try(worker, number)
                continue
            from tests.faults import flow_disks  # it imports MLflow

            flow, began = flow or flow_disks.Flow(folder / "flow"), time.monotonic()
            store = flow_disks.STORES[number // EVERY % len(flow_disks.STORES)]
            what, failure = flow_disks.filled(flow, number, store)
            seconds = time.monotonic() - began
            yield Try("disk", f"the command, {store}", what, number, seconds, failure)


@contextmanager
def worker_on_disk(folder: Path, spare: int) -> Iterator[Worker]:
    """A worker on a small disk with so many bytes to spare; its log is elsewhere."""
    disk = folder / "disk"
    with small_disk(disk, 1 << 30):
        worker = Worker(disk / "chain", "train.keep_checkpoints=3")
        worker.log, worker.temporary = folder / "log.txt", folder / "tmp"
        mount("-o", f"remount,size={shutil.disk_usage(disk).used + spare}", str(disk))
        yield worker


def one_try(worker: Worker, seed: int) -> Try:
    """Run on a disk that is full or cannot be written, then make room and run to the end."""
    draw, began = random.Random(f"disk {seed}"), time.monotonic()
    stage, way = turn(seed)
    ballast = worker.folder / "ballast"
    worker.before(stage)
    before, filling = picture(worker.data), None
    if way != WAYS[2]:
        filling = drawn(worker, draw, stage, way)
    with read_only(worker.data / stage) if filling is None else nullcontext():
        end = worker.run(filling)
    failure = untold(worker, end, READ_ONLY if filling is None else NEED)
    failure = failure or lost(worker, before)
    ballast.unlink(missing_ok=True)
    failure = failure or kills.finished(worker)
    what = str(filling or f"{stage} can only be read")
    return Try("disk", f"{stage}, {way}", what, seed, time.monotonic() - began, failure)


def turn(number: int) -> tuple[str, str]:
    """The stage and the way of a try that is not of the whole command."""
    if number % EVERY == CHECKPOINT_TURN:
        return "run", CHECKPOINT
    turns = (COMMAND_TURN, CHECKPOINT_TURN)
    pair = number - sum((number + EVERY - 1 - other) // EVERY for other in turns)
    return STAGES[pair % len(STAGES)], WAYS[pair // len(STAGES) % len(WAYS)]


def drawn(worker: Worker, draw: random.Random, stage: str, way: str) -> Filling:
    """How full the disk is: from the stage's beginning, or from a moment of it."""
    ballast = worker.folder / "ballast"
    if way == WAYS[0]:
        after = [*STAGES, "end"][STAGES.index(stage) + 1]
        taken = size_of(worker.reference / after) - size_of(worker.reference / stage)
        room = int(draw.random() * taken)
        return Filling(signal.SIGKILL, stage, operation=1, ballast=ballast, room=room)
    if way == CHECKPOINT:
        operation = draw.randint(1, MOST_WRITES)
        return Filling(signal.SIGKILL, stage, operation=operation, within=WRITTEN, ballast=ballast)
    operation = draw.randint(1, worker.spans[stage].operations)
    room = draw.choice(LEFT)
    return Filling(signal.SIGKILL, stage, operation=operation, ballast=ballast, room=room)


def untold(worker: Worker, end: End, told: re.Pattern[str]) -> str | None:
    """What is wrong with what a process said that ended because of the disk."""
    if end.status == 0:  # there was room enough
        return None
    if "Traceback" in worker.log.read_text("utf-8", errors="replace"):
        return f"a traceback in {end.stage}: {end.last_line}"
    line = end.last_line
    if end.status != 1 or not line.startswith(f"error: {worker.data}") or not told.search(line):
        return f"it ended with status {end.status} in {end.stage}: {line}"
    return None


def lost(worker: Worker, before: Picture) -> str | None:
    """What of the earlier artifacts and checkpoints is not whole; None if all is."""
    now = picture(worker.data)
    for file in worker.data.glob(f"run/.*.partial/{CHECKPOINTS}/[0-9]*/{CHECKPOINT_FILE}"):
        for name, checksum in json.loads(file.read_bytes())["files"].items():
            if file_digest(file.parent / name) != checksum:
                return f"{file.parent / name} is damaged"
    new = {name: worker.picture.get(name) for name in now}
    return difference({**new, **before}, now)
