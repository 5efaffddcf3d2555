"""Work in a forked process: what it gave, and what it took of memory and of the processor."""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GIVEN_UP_SECONDS = 600  # in which a process ends also on a busy machine


@dataclass(frozen=True)
class Forked:
    """What came of it; ``value`` is None if the process ended without giving any."""

    value: Any
    status: int
    memory: int  # bytes: by how much the process grew at most
    seconds: float  # of the processor


def forked(work: Callable[[], Any], temporary: Path) -> Forked:
    """Do some work in a process of its own; ``work`` gives a JSON value."""
    return begin(work, temporary)()


def begin(
    work: Callable[[], Any], temporary: Path, hangs: int = GIVEN_UP_SECONDS
) -> Callable[[], Forked]:
    """Begin some work in a process of its own; gives what awaits its end.

    After ``hangs`` seconds it is given up: its status is 1.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(work, temporary, writing, hangs)
    os.close(writing)

    def end() -> Forked:
        with os.fdopen(reading, encoding="utf-8") as pipe:
            told = pipe.read()
        _, status = os.waitpid(pid, 0)
        record = json.loads(told or "{}")
        return Forked(
            record.get("value"),
            os.waitstatus_to_exitcode(status),
            record.get("memory", 0),
            record.get("seconds", 0.0),
        )

    return end


def _child(work: Callable[[], Any], temporary: Path, writing: int, hangs: int) -> None:
    """Do the work, tell what came of it, and end this process."""
    status = 1
    try:
        os.environ["TMPDIR"] = str(temporary)
        faulthandler.dump_traceback_later(hangs, exit=True)
        before = resource.getrusage(resource.RUSAGE_SELF)
        value = work()
        after = resource.getrusage(resource.RUSAGE_SELF)
        record = {
            "value": value,
            "memory": 1024 * (after.ru_maxrss - before.ru_maxrss),
            "seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        }
        with os.fdopen(writing, "w", encoding="utf-8") as pipe:
            json.dump(record, pipe)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
