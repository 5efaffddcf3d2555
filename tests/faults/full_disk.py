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
NEED = re.compile(r"needs at least ([\d,.]+) ([kM])B, and [\d,.]+ [kM]B are free: free some space")
TOLD = ("raw", "corpus", "tokens", "run", "text_index")  # stages that tell the need beforehand …
TOLD_SHARE = 0.4  # … and at least so much of what they then take
ESTIMATED = ("corpus", "tokens", "text_index")  # they have one need, and tell what is left of it …
MOST_SHARE = 1.5  # … which is no more than so much of what they take
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
    if way == WAYS[0] and stage in TOLD:
        failure = failure or untold_beforehand(worker, end, stage)
    elif filling is not None and end.status and end.stage in ESTIMATED:
        failure = failure or untold_meanwhile(worker, end)
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
    """How full the disk is: from the stage's beginning, or from a moment of it.

    From the beginning, a stage that tells its need has less room than it is certain to tell, and
    enough to begin.
    """
    ballast, share = worker.folder / "ballast", draw.random()
    if way == WAYS[0] and stage in TOLD:
        share = TOLD_SHARE * (1 + share) / 2
    room = int(share * taken(worker, stage))
    if way == WAYS[0]:
        return Filling(signal.SIGKILL, stage, operation=1, ballast=ballast, room=room)
    if way == CHECKPOINT:
        operation = draw.randint(1, MOST_WRITES)
        return Filling(signal.SIGKILL, stage, operation=operation, within=WRITTEN, ballast=ballast)
    operation = draw.randint(1, worker.spans[stage].operations)
    room = draw.choice((*LEFT, room))
    return Filling(signal.SIGKILL, stage, operation=operation, ballast=ballast, room=room)


def taken(worker: Worker, stage: str) -> int:
    """Bytes that a stage took in the unbroken run."""
    after = [*STAGES, "end"][STAGES.index(stage) + 1]
    return size_of(worker.reference / after) - size_of(worker.reference / stage)


def untold(worker: Worker, end: End, right: re.Pattern[str]) -> str | None:
    """What is wrong with what a process said that ended because of the disk."""
    if end.status == 0:  # there was room enough
        return None
    if "Traceback" in worker.log.read_text("utf-8", errors="replace"):
        return f"a traceback in {end.stage}: {end.last_line}"
    line = end.last_line
    if end.status != 1 or not line.startswith(f"error: {worker.data}") or not right.search(line):
        return f"it ended with status {end.status} in {end.stage}: {line}"
    return None


def untold_beforehand(worker: Worker, end: End, stage: str) -> str | None:
    """What is wrong where the disk was too small for a stage from its beginning.

    It ends before it begins anything, and tells a need that is near what it took unbroken.
    """
    if end.status == 0 or end.stage != stage:
        return f"{stage} began without room: {end.stage} ended with status {end.status}"
    if end.has_built:
        return f"{stage} was begun without room: {end.last_line}"
    if told(end.last_line) < TOLD_SHARE * taken(worker, stage):
        return f"{stage} took {taken(worker, stage):,} bytes: {end.last_line}"
    return None


def untold_meanwhile(worker: Worker, end: End) -> str | None:
    """What is wrong with the need that a stage tells whose disk filled meanwhile."""
    took = taken(worker, end.stage)
    return (
        f"it takes {took:,} bytes: {end.last_line}"
        if told(end.last_line) > MOST_SHARE * took
        else None
    )


def told(line: str) -> float:
    """The bytes that a line says are needed."""
    need = NEED.search(line)
    assert need is not None, line  # or untold() has told it
    number, unit = need.groups()
    return float(number.replace(",", "")) * {"k": 1e3, "M": 1e6}[unit]


def lost(worker: Worker, before: Picture) -> str | None:
    """What of the earlier artifacts and checkpoints is not whole; None if all is."""
    now = picture(worker.data)
    for file in worker.data.glob(f"run/.*.partial/{CHECKPOINTS}/[0-9]*/{CHECKPOINT_FILE}"):
        for name, checksum in json.loads(file.read_bytes())["files"].items():
            if file_digest(file.parent / name) != checksum:
                return f"{file.parent / name} is damaged"
    new = {name: worker.picture.get(name) for name in now}
    return difference({**new, **before}, now)
