"""The chain in a forked process, which is struck by a signal at a chosen moment.

The parent has imported all that the stages need, so that a process takes no time to start. A moment
is a time after a stage has begun, or an operation on files (a file opened for writing, renamed or
removed, a folder made or removed) before which the signal comes: so that it also comes between two
operations that only microseconds part.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import logging
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from femtogpt.config import Config
from femtogpt.config_file import load_config
from femtogpt.errors import Stopped, UserError, is_interruption
from tests.faults.chain import SMALL, STAGES, run_chain
from tests.faults.forked import begin
from tests.faults.pictures import picture
from tests.helpers import story

T = TypeVar("T")
READY = ("torch._dynamo", "matplotlib.pyplot", "scipy.special")  # what stages import late, and long
HANGS_SECONDS = 120  # after which a process is given up
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link"}
ENDS = {signal.SIGKILL: {-9}, signal.SIGTERM: {130, 75}, signal.SIGINT: {130, 75}}


@dataclass(frozen=True)
class Strike:
    """A signal at a moment of a stage."""

    number: signal.Signals
    stage: str
    seconds: float | None = None  # after it has begun, or …
    operation: int | None = None  # … before this one of its operations on files
    within: str = ""  # of those whose path has this in it

    def comes(self, pid: int) -> None:
        os.kill(pid, self.number)

    def __str__(self) -> str:
        if self.seconds is None:
            return f"{self.number.name} in {self.stage} before operation {self.operation}"
        return f"{self.number.name} in {self.stage} after {self.seconds:.3f} s"


@dataclass(frozen=True)
class End:
    """How a process ended."""

    status: int  # negative: by this signal
    stage: str  # the last that it began
    last_line: str  # of what it said
    has_built: bool  # whether that stage began what it makes


@dataclass(frozen=True)
class Span:
    """What a stage took in an unbroken run."""

    seconds: float
    operations: int


class Worker:
    """A configuration in a folder, with what an unbroken run left."""

    def __init__(self, folder: Path, *overrides: str):
        self.folder, self.overrides = folder, overrides
        self.data, self.temporary = folder / "data", folder / "tmp"
        self.reference, self.log = folder / "reference", folder / "log.txt"
        self.texts = folder / "texts"
        for new in (self.texts, self.temporary, self.reference):
            new.mkdir(parents=True)
        for number in range(6):
            text = "\n\n".join(story(10 * number + part) for part in range(4))
            (self.texts / f"{number}.txt").write_text(text, encoding="utf-8")
        self.config = folder / "small.yaml"
        self.config.write_text(SMALL.replace("TEXTS", str(self.texts)), encoding="utf-8")
        self.spans = self._unbroken()
        self.picture = picture(self.data)

    def before(self, stage: str) -> None:
        """Put the data folder as it was before a stage; ``end``: as it was in the end."""
        for folder in (self.data, self.temporary):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.reference / stage, self.data)
        self.temporary.mkdir()

    def keep(self, name: str) -> None:
        """Keep the data folder as it is now, for ``before(name)``."""
        shutil.copytree(self.data, self.reference / name)

    def in_child(self, work: Callable[[], T]) -> T:
        """What ``work`` gives in a forked process."""
        return self.begin(work)()

    def begin(self, work: Callable[[], T]) -> Callable[[], T]:
        """Begin ``work`` in a forked process; gives what awaits its end, and what it gave."""
        end = begin(work, self.temporary)

        def result() -> T:
            value: T = end().value
            return value

        return result

    def run(self, strike: Strike | None = None) -> End:
        """Run all stages to their end, or until the signal ends it."""
        return self.start(strike)()

    def start(self, strike: Strike | None = None) -> Callable[[], End]:
        """Start to run all stages; gives what awaits the end."""
        records = self._records(strike, snapshots=False)
        first = next(records)

        def end() -> End:
            *_, last, status = first, *records
            stage = last.get("stage", "")
            return End(status["status"], stage, self._last_line(), stage in status["built"])

        return end

    def _configuration(self) -> Config:
        return load_config(str(self.config), [f"paths.data={self.data}", *self.overrides])

    def _last_line(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def _unbroken(self) -> dict[str, Span]:
        """Run to the end and keep the data folder before each stage; what each stage took.

        From then on this process has all ready that its children need.
        """
        for name in READY:
            importlib.import_module(name)
        *begun, end = self._records(None, snapshots=True)
        assert end["status"] == 0, self.log.read_text(encoding="utf-8")
        assert [record["stage"] for record in begun] == [*STAGES, "end"]
        for name in end["modules"]:
            with suppress(Exception):  # some names are no module's
                importlib.import_module(name)
        run_chain(self._configuration(), lambda stage: None)  # all is up to date: no work
        return {
            now["stage"]: Span(then["seconds"] - now["seconds"], then["operations"])
            for now, then in pairwise(begun)
        }

    def _records(self, strike: Strike | None, snapshots: bool) -> Iterator[dict[str, Any]]:
        """What the process tells when it begins a stage, and how it ended."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            self._child(writing, strike, snapshots)
        os.close(writing)
        modules: list[str] = []
        built: set[str] = set()
        with os.fdopen(reading, encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                if "modules" in record:
                    modules = record["modules"]
                    continue
                if "built" in record:
                    built.add(record["built"])
                    continue
                yield record
                if strike and record["stage"] == strike.stage and strike.seconds is not None:
                    time.sleep(strike.seconds)
                    strike.comes(pid)  # a process that has ended waits for waitpid
        _, status = os.waitpid(pid, 0)
        yield {"status": os.waitstatus_to_exitcode(status), "modules": modules, "built": built}

    def _child(self, writing: int, strike: Strike | None, snapshots: bool) -> None:
        """Run the stages and end this process."""
        status = 1
        try:
            _say_into(self.log)
            # What a stage starts begins anew, and would import what this process has imported.
            sys.modules["__main__"] = ModuleType("__main__")
            os.environ["TMPDIR"] = str(self.temporary)
            faulthandler.dump_traceback_later(HANGS_SECONDS, exit=True)
            signal.signal(signal.SIGTERM, _terminate)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            told = _Telling(writing, self.folder, strike, snapshots)
            run_chain(self._configuration(), told.begins, told.builds)
            status = 0
        except UserError as error:
            print(f"error: {error}")
        except Stopped:
            status = 75
        except BaseException as error:
            status = 130 if is_interruption(error) else 1
            if status == 1:
                traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)


class _Telling:
    """Tells the parent of each stage that begins, counts operations on files, and strikes."""

    def __init__(self, writing: int, folder: Path, strike: Strike | None, snapshots: bool):
        self.pipe = os.fdopen(writing, "w", encoding="utf-8")
        self.folder, self.strike, self.snapshots = folder, strike, snapshots
        self.stage, self.operations, self.within = "", 0, 0
        self.began = time.monotonic()
        sys.addaudithook(self._operation)

    def begins(self, stage: str) -> None:
        record = {"stage": stage, "operations": self.operations}
        self._tell({**record, "seconds": time.monotonic() - self.began})
        if self.snapshots:
            before = time.monotonic()
            if (self.folder / "data").exists():
                shutil.copytree(self.folder / "data", self.folder / "reference" / stage)
            else:
                (self.folder / "reference" / stage).mkdir()
            self.began += time.monotonic() - before
            if stage == "end":
                self._tell({"modules": [*sys.modules]})
        self.stage, self.operations, self.within = stage, 0, 0

    def builds(self) -> None:
        self._tell({"built": self.stage})

    def _tell(self, record: dict[str, Any]) -> None:
        print(json.dumps(record), file=self.pipe, flush=True)

    def _operation(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in CHANGES and not (event == "open" and self._is_written(*arguments)):
            return
        self.operations += 1
        strike = self.strike
        if strike and strike.within in str(arguments[0]):
            self.within += 1
            if (self.stage, self.within) == (strike.stage, strike.operation):
                strike.comes(os.getpid())

    def _is_written(self, path: Any, mode: Any, flags: int) -> bool:
        changed = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        return bool(changed) and str(path).startswith(str(self.folder))


def _terminate(number: int, frame: Any) -> None:
    """As Prefect's flows do it: by an exception."""
    raise KeyboardInterrupt


def _say_into(log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s", force=True)
