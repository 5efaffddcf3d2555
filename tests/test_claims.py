"""Machines that share a store and start at once: one makes an artifact, the others wait for it."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from femtogpt.artifacts import again, claims
from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.claims import Claim
from femtogpt.artifacts.remote import Remote
from femtogpt.artifacts.store import Store
from tests.faults.mounts import read_only
from tests.faults.outcomes import NotTried
from tests.pipelines import ROOT, Pipeline

RECIPE = Recipe("run", {}, {"steps": 3}, version=1)
TIMES = {
    "BEAT_SECONDS": 0.1,
    "DEAD_SECONDS": 0.8,
    "FIRST_LOOK_SECONDS": 0.05,
    "LAST_LOOK_SECONDS": 0.1,
    "SETTLE_SECONDS": 0.1,
}
# A machine that makes an artifact until a file tells it to end; SIGTERM comes as in a flow.
MAKER = f"""
import logging, signal, sys, time
from pathlib import Path
from femtogpt.artifacts import claims
from femtogpt.artifacts.artifact import Recipe
from femtogpt.artifacts.store import Store
vars(claims).update({TIMES})
def interrupt(number, frame):
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, interrupt)
data, shared = sys.argv[1:]
def build(folder):
    (folder / "text.txt").write_text(Path(data).name)
    print("making", flush=True)
    while not (Path(data) / "end").exists():
        time.sleep(0.01)
    return {{}}
Store(data, shared).make(Recipe("run", {{}}, {{"steps": 3}}, version=1), build, resumable=True)
"""


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    Remote.at.cache_clear()
    for name, seconds in TIMES.items():
        monkeypatch.setattr(claims, name, seconds)


@pytest.fixture
def shared(tmp_path) -> Path:
    folder = tmp_path / "shared"
    folder.mkdir()
    return folder


@pytest.fixture
def started(tmp_path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts other machines, as processes."""
    processes = []

    def start(name: str, shared: Path | str, **environment: str) -> subprocess.Popen:
        command = [sys.executable, "-c", MAKER, str(tmp_path / name), str(shared)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        processes.append(subprocess.Popen(command, env=environment, text=True, **output))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def maker(started, shared) -> Callable[[], subprocess.Popen]:
    """Starts another machine, which has begun to make the artifact."""

    def start() -> subprocess.Popen:
        process = started("maker", shared)
        assert process.stdout.readline() == "making\n"
        return process

    return start


class Machine(threading.Thread):
    """A machine that makes the artifact in a thread."""

    def __init__(self, folder: Path, shared: Path | str, seconds: float = 0.0):
        super().__init__(daemon=True)
        self.store, self.seconds = Store(folder, str(shared)), seconds
        self.artifact: Artifact | None = None
        self.makes = threading.Event()

    def run(self) -> None:
        self.artifact = self.store.make(RECIPE, self.build)

    def build(self, folder: Path) -> dict:
        self.makes.set()
        (folder / "text.txt").write_text(self.store.root.name)
        time.sleep(self.seconds)
        return {}

    def ended(self) -> Artifact:
        self.join(20)
        assert self.artifact is not None
        return self.artifact


def build(folder: Path) -> dict:
    (folder / "text.txt").write_text("text")
    return {}


def fail(folder: Path) -> dict:
    raise AssertionError("made twice")


def left(shared: Path) -> list[str]:
    """The claims that stand in a store."""
    return [path.name for path in (shared / "claims").glob("*")]


def claim_file(shared: Path, store: Store) -> Path:
    return shared / "claims" / f"run-{store.path(RECIPE).name}.json"


def await_line(caplog, words: str) -> str:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for record in caplog.records:
            if words in record.getMessage():
                return record.getMessage()
        time.sleep(0.01)
    raise AssertionError(f"no line with {words!r}")


def test_of_machines_that_start_at_once_one_makes_it(tmp_path, shared, caplog):
    caplog.set_level(logging.INFO)
    machines = [Machine(tmp_path / f"machine {number}", shared, 1.2) for number in range(4)]
    for machine in machines:
        machine.start()
    contents = {machine.ended().content for machine in machines}
    assert len(contents) == 1
    assert sum(machine.makes.is_set() for machine in machines) == 1
    assert left(shared) == []
    lines = [record.getMessage() for record in caplog.records]
    assert len([line for line in lines if "waiting for it" in line]) == 3
    assert len([line for line in lines if line.startswith("run: taken from")]) == 3


def test_the_wait_is_told_with_how_to_do_without(tmp_path, shared, maker, caplog):
    caplog.set_level(logging.INFO)
    maker()
    other = Machine(tmp_path / "other", shared)
    other.start()
    line = await_line(caplog, "waiting")
    assert line.startswith(f"run: machine {os.uname().nodename} has been making it since 20")
    assert "paths.remote=null" in line
    Store(tmp_path / "other way", None).make(RECIPE, other.build)
    (tmp_path / "maker/end").touch()
    assert (other.ended().path / "text.txt").read_text() == "maker"


def test_a_killed_machine_is_waited_for_no_longer(tmp_path, shared, maker, caplog):
    caplog.set_level(logging.INFO)
    process = maker()
    other = Machine(tmp_path / "other", shared)
    other.start()
    await_line(caplog, "waiting")
    process.kill()
    assert (other.ended().path / "text.txt").read_text() == "other"
    await_line(caplog, "has said nothing for")
    assert left(shared) == []


def test_the_same_command_goes_on_at_once_after_a_kill(tmp_path, shared, maker, monkeypatch):
    maker().kill()
    assert left(shared)
    monkeypatch.setattr(claims, "DEAD_SECONDS", 1000.0)
    machine = Machine(tmp_path / "maker", shared)
    machine.start()
    machine.ended()
    assert left(shared) == []


def test_a_copy_of_the_data_is_another_machine(tmp_path, shared, maker, caplog):
    caplog.set_level(logging.INFO)
    maker()
    (tmp_path / "copy/.locks").mkdir(parents=True)
    owner = (tmp_path / "maker/.locks/owner").read_bytes()
    (tmp_path / "copy/.locks/owner").write_bytes(owner)
    copy = Machine(tmp_path / "copy", shared)
    copy.start()
    await_line(caplog, "waiting")
    (tmp_path / "maker/end").touch()
    copy.ended()
    assert not copy.makes.is_set()


@pytest.mark.parametrize("content", [b"", b"\xff\x00"])
def test_a_damaged_file_of_who_claims_stops_nothing(tmp_path, shared, content):
    (tmp_path / "a/.locks").mkdir(parents=True)
    (tmp_path / "a/.locks/owner").write_bytes(content)
    machine = Machine(tmp_path / "a", shared)
    machine.start()
    machine.ended()
    assert machine.makes.is_set()
    assert left(shared) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_training_withdraws_and_the_other_goes_on_at_once(
    tmp_path, shared, maker, number, caplog, monkeypatch
):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(claims, "DEAD_SECONDS", 1000.0)
    process = maker()
    other = Machine(tmp_path / "other", shared, 0.3)
    other.start()
    await_line(caplog, "waiting")
    process.send_signal(number)
    process.wait(20)
    other.ended()
    assert other.makes.is_set()
    await_line(caplog, "has stopped making it")
    assert left(shared) == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_after_an_error_no_claim_is_left(tmp_path, shared, error):
    def end(folder: Path) -> dict:
        assert left(shared)
        raise error

    with pytest.raises(error):
        Store(tmp_path / "one", str(shared)).make(RECIPE, end)
    assert left(shared) == []


@pytest.mark.parametrize("since", ["1999-01-01T00:00:00+00:00", "2099-01-01T00:00:00+00:00"])
def test_no_clock_of_another_machine_is_believed(tmp_path, shared, since, caplog):
    caplog.set_level(logging.INFO)
    machine = Machine(tmp_path / "one", shared)
    file = claim_file(shared, machine.store)
    file.parent.mkdir()

    def renew(renewals: int) -> None:
        claim = {"machine": "atlas", "owner": "x", "since": since, "renewals": renewals}
        file.write_text(json.dumps(claim))
        os.utime(file, (0, 0) if since < "2" else (5e9, 5e9))

    renew(0)
    machine.start()
    for number in range(10):
        renew(number)
        time.sleep(0.1)
    assert not machine.makes.is_set(), "as long as the claim changes, it is alive"
    machine.ended()
    assert machine.makes.is_set()
    assert "machine atlas has been making it since" in await_line(caplog, "waiting")


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff"])
def test_a_claim_that_says_nothing_dies_too(tmp_path, shared, content):
    machine = Machine(tmp_path / "one", shared)
    file = claim_file(shared, machine.store)
    file.parent.mkdir()
    file.write_bytes(content)
    machine.start()
    machine.ended()
    assert left(shared) == []


def test_a_claim_taken_for_dead_is_left_to_its_new_machine(tmp_path, shared):
    """The machine was suspended: its claim now is another's, which it must not touch."""
    machine = Machine(tmp_path / "one", shared, 0.5)
    machine.start()
    assert machine.makes.wait(10)
    file = claim_file(shared, machine.store)
    content = json.dumps({"machine": "atlas", "owner": "x"})
    file.write_text(content)
    machine.ended()
    assert file.read_text() == content


def test_what_a_person_asks_for_again_waits_for_nobody(tmp_path, shared, maker):
    maker()
    other = Machine(tmp_path / "other", shared)
    with again.made_again(["train"]):
        artifact = other.store.make(RECIPE, other.build)
    assert (artifact.path / "text.txt").read_text() == "other"


def test_a_store_that_overwrites_silently_is_made_in_once_too(tmp_path, shared, monkeypatch):
    write = Claim._write
    monkeypatch.setattr(Claim, "_write", lambda claim, mode: write(claim, "wb"))
    machines = [Machine(tmp_path / f"machine {number}", shared, 0.5) for number in range(2)]
    for machine in machines:
        machine.start()
    assert len({machine.ended().content for machine in machines}) == 1
    assert sum(machine.makes.is_set() for machine in machines) == 1
    assert left(shared) == []


def test_a_store_that_cannot_create_alone_is_written_in_all_the_same(tmp_path, shared, monkeypatch):
    write = Claim._write

    def knows_no_x(claim: Claim, mode: str) -> None:
        if mode == "xb":
            raise NotImplementedError(mode)
        write(claim, mode)

    monkeypatch.setattr(Claim, "_write", knows_no_x)
    machine = Machine(tmp_path / "one", shared, 0.5)
    machine.start()
    assert machine.makes.wait(10)
    assert left(shared)
    machine.ended()
    assert left(shared) == []


@pytest.mark.parametrize("method", ["_write", "_content", "_attempt", "_is_ours"])
@pytest.mark.parametrize("error", [PermissionError, RuntimeError])
def test_a_claim_is_no_reason_to_fail(tmp_path, shared, method, error, monkeypatch, caplog):
    def refuse(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(Claim, method, refuse)
    machine = Machine(tmp_path / "one", shared, 0.3)
    machine.start()
    assert machine.ended().made
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert (shared / "run" / machine.ended().digest / "manifest.json").exists()


def test_a_store_that_falls_silent_is_waited_for_no_longer(tmp_path, shared, maker, monkeypatch):
    maker()
    machine = Machine(tmp_path / "one", shared)
    refused = threading.Event()
    content = Claim._content

    def answer(claim: Claim) -> bytes | None:
        if refused.is_set():
            raise TimeoutError
        return content(claim)

    monkeypatch.setattr(Claim, "_content", answer)
    machine.start()
    time.sleep(0.3)
    refused.set()
    assert (machine.ended().path / "text.txt").read_text() == "one"


def test_a_store_that_may_only_be_read_is_gone_on_without(tmp_path, shared, caplog):
    taken = Recipe("corpus", {}, {})
    Store(tmp_path / "one", str(shared)).make(taken, build)
    Remote.at.cache_clear()
    other = Store(tmp_path / "other", str(shared))
    with suppress(NotTried), read_only(shared):
        other.make(taken, fail)
        assert not caplog.records
        assert other.make(RECIPE, build).made
        other.make(Recipe("report", {}, {}), build)
        (line,) = [record.getMessage() for record in caplog.records]
        assert "cannot be used" in line
        return
    pytest.skip("no folder can be mounted here")


def test_a_lone_machine_asks_for_little_more(tmp_path, shared, monkeypatch):
    """A claim is written and removed where something is made, and never asked for."""
    asked = []
    for name in ("_write", "_content"):
        real = getattr(Claim, name)
        monkeypatch.setattr(Claim, name, lambda *a, f=real, n=name: (asked.append(n), f(*a))[1])
    store = Store(tmp_path / "one", str(shared))
    store.make(Recipe("corpus", {}, {}), build)  # shows what the store can do
    asked.clear()
    store.make(RECIPE, build)
    assert asked == ["_write"]
    store.make(RECIPE, fail)
    assert asked == ["_write"], "what is here needs no claim"
    other = Store(tmp_path / "other", str(shared))
    other.make(RECIPE, fail)
    assert asked == ["_write"], "nor does what is there"


@pytest.mark.slow
def test_a_pipeline_that_is_stopped_while_it_trains_withdraws(tmp_path, shared, with_server):
    pipeline = Pipeline(tmp_path / "one", with_server)
    process = pipeline.start(f"paths.remote={shared}", "train.max_steps=100000")
    pipeline.await_steps(20, process)
    (name,) = left(shared)
    assert name.startswith("run-")
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 143, output
    assert left(shared) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [None, signal.SIGKILL, signal.SIGTERM])
def test_machines_at_s3_wait_for_each_other(tmp_path, started, s3, number):
    from tests.s3_stand_in import objects

    url = f"s3://femto/{tmp_path.name}"
    machines = [started(name, url, **s3) for name in ("one", "other")]
    ready, _, _ = select.select([machine.stdout for machine in machines], [], [], 60)
    (first,) = [machine for machine in machines if machine.stdout in ready]
    (second,) = [machine for machine in machines if machine is not first]
    assert first.stdout.readline() == "making\n"
    (name,) = [name for name in objects(s3) if f"{tmp_path.name}/claims/" in name]
    if number:
        first.send_signal(number)
        assert second.stdout.readline() == "making\n"
    else:
        time.sleep(2 * TIMES["DEAD_SECONDS"])
    for name in ("one", "other"):
        (tmp_path / name / "end").touch()
    assert second.wait(60) == 0
    assert second.stdout.read() == "", "it took what the first one made"
    if not number:
        assert first.wait(60) == 0
    assert not [name for name in objects(s3) if f"{tmp_path.name}/claims/" in name]
