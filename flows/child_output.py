"""Where the output of processes goes that a library starts."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def children_write_to(path: Path) -> Iterator[None]:
    """Processes that are started within this write to the end of a file, to their end.

    What this process itself prints goes on to its terminal.
    """
    with contextlib.ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            log = stack.enter_context(path.open("ab"))
        except OSError:  # not worth failing for: they write where this process does
            yield
            return
        if _is(sys.stderr, 2):
            code, unshown = sys.stderr.encoding, "backslashreplace"
            terminal = open(os.dup(2), "w", buffering=1, encoding=code, errors=unshown)  # noqa: SIM115
            stack.enter_context(terminal)
            stack.enter_context(contextlib.redirect_stderr(terminal))
        for stream, number in ((sys.__stdout__, 1), (sys.__stderr__, 2)):
            stack.callback(_restore, os.dup(number), number)
            if stream is not None:
                stream.flush()
            os.dup2(log.fileno(), number)
        yield


def _is(stream: object, number: int) -> bool:
    try:
        return stream.fileno() == number  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):  # a test's, say
        return False


def _restore(saved: int, number: int) -> None:
    os.dup2(saved, number)
    os.close(saved)
