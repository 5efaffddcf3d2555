"""A file is damaged; then no command shows what it holds, and the next run makes it as it was.

Kinds of artifact and of damage take turns, so that each pair is met; the file and the place in it
are drawn. ``checkpoints`` are those of a training that is not finished; ``export`` and ``MLflow``,
whose copies are served, are outside the data folder.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from femtogpt.model.files import MACHINE_FILE
from tests.faults import damaged_exports, kills
from tests.faults.chain import STAGES
from tests.faults.damaged_copies import Copies
from tests.faults.outcomes import Try
from tests.faults.pictures import Picture, difference, essence
from tests.faults.shown import Shown
from tests.faults.worker import Strike, Worker

FULL = 200
UNFINISHED = "checkpoints"
EXPORT = "export"
COPY = "MLflow"
KINDS = (*STAGES, UNFINISHED, EXPORT, COPY)
WAYS = ("flipped", "truncated", "emptied", "deleted")
STOP_AFTER = 0.7  # of the operations of an unbroken training: several checkpoints are there


def tries(seed: int, folder: Path) -> Iterator[Try]:
    worker = Worker(folder, "train.keep_checkpoints=3")
    shown, copies = Shown(worker), Copies(worker)
    operation = int(STOP_AFTER * worker.spans["run"].operations)
    worker.before("run")
    worker.run(Strike(signal.SIGKILL, "run", operation=operation))
    worker.keep(UNFINISHED)
    for number in count(seed):
        yield one_try(worker, shown, copies, number)


def one_try(worker: Worker, shown: Shown, copies: Copies, seed: int) -> Try:
    """Damage a file, look at everything, then run to the end."""
    draw, began = random.Random(f"damages {seed}"), time.monotonic()
    kind, way = KINDS[seed % len(KINDS)], WAYS[seed // len(KINDS) % len(WAYS)]
    if kind in (EXPORT, COPY):

        def harm(file: Path) -> str:
            return way + damage(file, way, draw)

        is_copy = kind == COPY
        done = (
            copies.damaged(draw, harm) if is_copy else damaged_exports.damaged(worker, draw, harm)
        )
        return Try("damages", f"{kind}, {way}", done[0], seed, time.monotonic() - began, done[1])
    worker.before(UNFINISHED if kind == UNFINISHED else "end")
    file = drawn(worker.data, kind, draw)
    place = damage(file, way, draw)
    name = file.relative_to(worker.data).as_posix()
    failure = None if kind == UNFINISHED else shown.wrong(kind)
    failure = failure or kills.finished(worker, COMPARED.get(kind, difference))
    what = f"{name} {way}{place}"
    return Try("damages", f"{kind}, {way}", what, seed, time.monotonic() - began, failure)


def but_for_spares(before: Picture, now: Picture) -> str | None:
    """What differs, but that a damaged checkpoint may be gone, and the record of the machine.

    No checkpoint may be other than it was.
    """
    changed = [name for name in now if f"/{UNFINISHED}/" in name and now[name] != before.get(name)]
    if changed:
        return f"{changed[0]} is not as it was"
    ours, theirs = essence(now), essence(before)
    record = f"run/{MACHINE_FILE}"
    if record not in ours:
        theirs.pop(record)
    return difference(theirs, ours)


# A damaged evaluation is made again by femtogpt evaluate, at another time.
COMPARED = dict.fromkeys(("run", UNFINISHED, "evaluation"), but_for_spares)


def drawn(data: Path, kind: str, draw: random.Random) -> Path:
    """A file of an artifact of this kind, or of an unfinished training's checkpoints."""
    places = f"run/.*.partial/{UNFINISHED}/*/*" if kind == UNFINISHED else f"{kind}/*/**/*"
    return draw.choice([path for path in sorted(data.glob(places)) if path.is_file()])


def damage(file: Path, way: str, draw: random.Random) -> str:
    """Damage a file; gives the place in it, in words."""
    content = file.read_bytes()
    if way == "deleted" or not content:
        file.unlink()
        return ""
    place = draw.randrange(len(content))
    if way == "flipped":
        changed = content[place] ^ 1 << draw.randrange(8)
        file.write_bytes(content[:place] + bytes([changed]) + content[place + 1 :])
        return f" at {place}"
    file.write_bytes(content[:place] if way == "truncated" else b"")
    return f" to {place} bytes" if way == "truncated" else ""
