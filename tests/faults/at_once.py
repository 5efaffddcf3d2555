"""Several runs at once: on one data folder, in one run's folder, with a store that machines share.

The ways take turns. Runs start within a moment of each other; what one of them makes, the others
wait for and use.
"""

from __future__ import annotations

import copy
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from unittest import mock

from femtogpt.artifacts import claims
from femtogpt.errors import UserError
from tests import s3_stand_in
from tests.faults import kills
from tests.faults.chain import STAGES, standing_clocks, trained
from tests.faults.commands_at_once import APART_SECONDS, MADE, Commands
from tests.faults.forked import Forked, begin
from tests.faults.outcomes import Try
from tests.faults.pictures import Picture, difference, leftovers, picture
from tests.faults.worker import ENDS, HANGS_SECONDS, End, Strike, Worker

FULL = 40
Outcome = tuple[str, str | None]  # what was done, and what is wrong
Pictures = dict[tuple[str, ...], Picture]  # what unbroken runs left, by their overrides
Claimed = Callable[[], list[str]]  # the claims in a store that machines share
FIRST_CLAIM_SECONDS = 20.0  # in which a machine that is to be struck begins, before the others do
OTHERS = (  # of the same steps: a longer training goes on from a shorter one that has ended
    (),
    ("seed=7",),
    ("tokenizer.vocab_size=420",),
    ("train.clip=0.5",),
    ("corpus.held_out=0.2",),
)
# Of claims: so that a machine which is killed is waited for in seconds, not minutes.
FAST = {
    "BEAT_SECONDS": 0.5,
    "DEAD_SECONDS": 8.0,
    "FIRST_LOOK_SECONDS": 0.2,
    "LAST_LOOK_SECONDS": 1.0,
}


def tries(seed: int, folder: Path) -> Iterator[Try]:
    worker = Worker(folder / "chain")
    pictures: Pictures = {(): worker.picture}
    for number in count(seed):
        draw, began = random.Random(f"together {number}"), time.monotonic()
        row, way = WAYS[number % len(WAYS)]
        what, failure = way(worker, pictures, draw)
        yield Try("together", row, what, number, time.monotonic() - began, failure)


def same(worker: Worker, pictures: Pictures, draw: random.Random, runs: int) -> Outcome:
    """Runs with the same configuration."""
    return _together(worker, [()] * runs, pictures, draw, None)


def other(worker: Worker, pictures: Pictures, draw: random.Random, runs: int) -> Outcome:
    """Runs with configurations that differ."""
    return _together(worker, draw.sample(OTHERS, runs), pictures, draw, None)


def killed(worker: Worker, pictures: Pictures, draw: random.Random, runs: int) -> Outcome:
    """Runs of which the first is killed; the others go on, and so does it in the end."""
    stage = draw.choice(STAGES)
    number = draw.choice(kills.SIGNALS)
    return _together(worker, [()] * runs, pictures, draw, kills.drawn(worker, draw, stage, number))


def _together(
    worker: Worker,
    configurations: Sequence[tuple[str, ...]],
    pictures: Pictures,
    draw: random.Random,
    strike: Strike | None,
) -> Outcome:
    for overrides in configurations:
        if overrides not in pictures:
            pictures[overrides] = _unbroken(worker, overrides)
    worker.before("raw")
    runs = [_another(worker, number, each) for number, each in enumerate(configurations)]
    ends: list[Callable[[], End]] = []
    for run in runs:
        ends.append(run.start(None if ends else strike))
        time.sleep(draw.random() * APART_SECONDS)
    what = f"{len(runs)} runs" + (f", {strike}" if strike else "")
    what += "".join(f", {each}" for each in configurations if each)
    failure = _ended(runs, [end() for end in ends], strike)
    if strike and not failure and (end := runs[0].run()).status:
        failure = f"the killed one again: status {end.status}: {end.last_line}"
    made = Counter(MADE.findall("".join(run.log.read_text("utf-8") for run in runs)))
    if not strike and (twice := [path for path, times in made.items() if times > 1]):
        failure = failure or f"{twice[0]} is made twice"
    failure = failure or _odd(worker, [pictures[each] for each in configurations])
    return what, failure


def _ended(runs: list[Worker], ends: list[End], strike: Strike | None) -> str | None:
    """What is wrong with how runs ended, of which one may have been struck."""
    for run, end in zip(runs, ends, strict=True):
        allowed = {0, *ENDS[strike.number]} if strike and run is runs[0] else {0}
        if end.status not in allowed:
            return f"{run.log.name}: status {end.status} in {end.stage}: {end.last_line}"
    return None


def _odd(worker: Worker, expected: list[Picture]) -> str | None:
    """What is not as one of the unbroken runs left it."""
    if left := leftovers(worker.data, worker.temporary):
        return f"left behind: {', '.join(left[:3])}"
    now = picture(worker.data)
    known: dict[str, set[str]] = {}
    for each in expected:
        for name, checksum in each.items():
            known.setdefault(name, set()).add(checksum)
    odd = [name for name in {*known, *now} if now.get(name) not in known.get(name, ())]
    return f"{min(odd)} is in no unbroken run, or missing" if odd else None


def _unbroken(worker: Worker, overrides: Sequence[str]) -> Picture:
    """What a configuration leaves in a data folder of its own."""
    worker.before("raw")
    end = _another(worker, 0, overrides).run()
    assert end.status == 0, end
    return picture(worker.data)


def _another(worker: Worker, number: int, overrides: Sequence[str] = ()) -> Worker:
    """A run on the same data folder, with a log of its own."""
    run = copy.copy(worker)
    run.log = worker.folder / f"log {number}.txt"
    run.overrides = (*worker.overrides, *overrides)
    return run


def one_folder(worker: Worker, pictures: Pictures, draw: random.Random, runs: int) -> Outcome:
    """Trainings in one run's folder, as when an earlier one is still stopping."""
    operations = worker.spans["run"].operations
    operation = draw.randint(operations // 5, operations * 4 // 5)
    worker.before("run")
    worker.run(Strike(signal.SIGKILL, "run", operation=operation))
    (tokens,) = (worker.data / "tokens").glob("[!.]*")
    (partial,) = (worker.data / "run").glob(".*.partial")

    def train() -> str:
        try:
            with standing_clocks():
                trained(partial, tokens)
        except UserError as error:
            return str(error)
        return ""

    ends = [begin(train, worker.temporary, HANGS_SECONDS) for _ in range(runs)]
    failure = _unequal([end() for end in ends], partial)
    what = f"{runs} trainings in one folder, killed before operation {operation}"
    return what, failure or kills.finished(worker)


def _unequal(ends: Sequence[Forked], folder: Path) -> str | None:
    """What is wrong with how trainings in one folder ended: each ends well or is refused, one well.

    One that dies, is stopped or hangs gives no value.
    """
    for end in ends:
        if end.status or end.value is None:
            return f"a training died or hung: status {end.status}"
        if "\n" in end.value or (end.value and str(folder) not in end.value):
            return f"a training was refused, and not in one line with its folder: {end.value!r}"
    return None if any(not end.value for end in ends) else f"all were refused: {ends[0].value}"


def machines(worker: Worker, pictures: Pictures, draw: random.Random, runs: int) -> Outcome:
    """Machines with folders of their own and a store that they share."""
    return _machines(worker, runs, *_shared_folder(worker, draw))


def machine_killed(worker: Worker, pictures: Pictures, draw: random.Random, runs: int) -> Outcome:
    """The same, and the one that makes things is killed: another goes on."""
    strike = kills.drawn(worker, draw, draw.choice(STAGES), draw.choice(kills.SIGNALS))
    return _machines(worker, runs, *_shared_folder(worker, draw), strike)


def machines_at_s3(worker: Worker, pictures: Pictures, draw: random.Random, runs: int) -> Outcome:
    """Machines that share a bucket; of half the tries, one is killed."""
    strike = kills.drawn(worker, draw, draw.choice(STAGES), draw.choice(kills.SIGNALS))
    with s3_stand_in.served() as environment, mock.patch.dict(os.environ, environment):

        def claimed() -> list[str]:
            names = s3_stand_in.objects(environment)
            return [name for name in names if name.startswith(f"{claims.FOLDER}/")]

        url = f"s3://{s3_stand_in.BUCKET}"
        return _machines(worker, runs, url, claimed, draw.choice([strike, None]))


def _shared_folder(worker: Worker, draw: random.Random) -> tuple[str, Claimed]:
    """A new folder that machines share, as a path or as a URL, and what is claimed there."""
    shared = worker.folder / "shared"
    shutil.rmtree(shared, ignore_errors=True)
    shared.mkdir()
    url = draw.choice([str(shared)] + ([f"file://{shared}"] if find_spec("upath") else []))
    return url, lambda: [str(path) for path in (shared / claims.FOLDER).glob("*")]


def _machines(
    worker: Worker, runs: int, url: str, claimed: Claimed, strike: Strike | None = None
) -> Outcome:
    """All start at once; one that is to be struck first, so that the others wait for it."""
    own = [_machine(worker, number, url) for number in range(runs + 1)]
    *first, last = own
    what = f"{runs} machines at {url.partition('://')[0] if '://' in url else 'a folder'}"
    what += f", {strike}" if strike else ""
    with mock.patch.multiple(claims, **FAST):
        ends = [first[0].start(strike)]
        until = time.monotonic() + FIRST_CLAIM_SECONDS
        while strike and not claimed() and time.monotonic() < until:
            time.sleep(0.01)
        ends += [machine.start() for machine in first[1:]]
        ended = [end() for end in ends]
        failure = _ended(first, ended, strike)
        logs = [machine.log.read_text("utf-8") for machine in first]
        if strike and not failure and (end := first[0].run()).status:
            failure = f"the killed one again: status {end.status}: {end.last_line}"
        logs += [first[0].log.read_text("utf-8")] if strike else []
        end = last.run()
    if end.status or (made := MADE.findall(last.log.read_text("utf-8"))):
        failure = failure or (end.last_line if end.status else f"a later machine made {made[0]}")
    failure = failure or _not_once(worker, logs, ended[0].stage if ended[0].status else "")
    if (left := claimed()) and not (strike and strike.number is signal.SIGKILL):
        failure = failure or f"left behind: {left[0]}"
    for machine in own:
        if left := leftovers(machine.data, machine.temporary):
            failure = failure or f"left behind: {', '.join(left[:3])}"
        if wrong := difference(_files(worker.picture), _files(picture(machine.data))):
            failure = failure or f"{machine.data.name}: {wrong}"
        shutil.rmtree(machine.data)
    return what, failure


def _not_once(worker: Worker, logs: list[str], struck: str) -> str | None:
    """What was not made once by all machines; twice what one made before it was ``struck``."""
    made = Counter("/".join(path.split("/")[-2:]) for path in MADE.findall("".join(logs)))
    for artifact in sorted({"/".join(name.split("/")[:2]) for name in worker.picture}):
        allowed = {1, 2} if struck and artifact.startswith(f"{struck}/") else {1}
        if made[artifact] not in allowed:
            return f"{artifact} was made {made[artifact]} times"
    return None


def _files(artifacts: Picture) -> Picture:
    """Without manifests, which name the settings: the store is one of them."""
    return {name: value for name, value in artifacts.items() if not name.endswith("manifest.json")}


def _machine(worker: Worker, number: int, url: str) -> Worker:
    machine = _another(worker, number, [f"paths.remote={url}"])
    machine.data = worker.folder / f"machine {number}"
    return machine


def whole(worker: Worker, pictures: Pictures, draw: random.Random) -> Outcome:
    """Whole commands, with Prefect and MLflow."""
    return _commands(worker.folder / "commands").at_once(draw)


_commands = cache(Commands)
AT_S3 = ("two machines at S3", lambda *a: machines_at_s3(*a, 2))  # packages of make cluster
WAYS = (
    ("two, the same", lambda *a: same(*a, 2)),
    ("five, the same", lambda *a: same(*a, 5)),
    ("trainings in one folder", lambda *a: one_folder(*a, 2)),
    ("two, one is killed", lambda *a: killed(*a, 2)),
    ("two that differ", lambda *a: other(*a, 2)),
    ("five that differ", lambda *a: other(*a, 5)),
    ("five, one is killed", lambda *a: killed(*a, 5)),
    ("two machines", lambda *a: machines(*a, 2)),
    ("two machines, one is killed", lambda *a: machine_killed(*a, 2)),
    ("whole commands", whole),
    *([AT_S3] if find_spec("s3fs") and find_spec("moto") else []),
)
