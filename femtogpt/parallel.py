"""Work spread over processes, in order, with bounded memory.

Processes and not threads: the parsers and rules written in Python hold the interpreter's lock.
They are this machine's, or others that were offered to carry it out.
"""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from multiprocessing import connection, get_context, parent_process
from typing import TypeVar

from femtogpt.errors import UserError

# For libraries with threads of their own, in processes that are many; before they are imported.
ONE_THREAD = {"POLARS_MAX_THREADS": "1", "RAYON_NUM_THREADS": "1"}
Item = TypeVar("Item")
Result = TypeVar("Result")
Map = Callable[[Callable[[Item], Result], Iterable[Item]], Iterator[Result]]
Others = Callable[[], AbstractContextManager[Map]]
_others: ContextVar[Others | None] = ContextVar("others", default=None)


def workers() -> int:
    """Processes to use: FEMTOGPT_WORKERS, or one for each core that this process may use."""
    told = os.environ.get("FEMTOGPT_WORKERS", "")
    if not told:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if not told.isdigit() or int(told) < 1:
        raise UserError(f"FEMTOGPT_WORKERS={told}: give a number of processes, 1 or more")
    return int(told)


@contextmanager
def carried_out_by(others: Others) -> Iterator[None]:
    """Within this, ``processes()`` gives the map of ``others()`` (of a cluster, say)."""
    token = _others.set(others)
    try:
        yield
    finally:
        _others.reset(token)


@contextmanager
def processes(count: int | None = None) -> Iterator[Map]:
    """Gives ``map(function, items)``: the results in the order of the items.

    ``function`` is one of a module, found there by its name. At most two items for each process
    are on their way, so that neither items nor results pile up. A single item, and a single
    process, are worked on here. The processes end with this one, however it ends. Raises what
    ``function`` raises, and UserError where a process was killed. Where others were offered to
    carry the work out (``carried_out_by``), the map is theirs.
    """
    if others := _others.get():
        with others() as theirs:
            yield theirs
        return
    count = count or workers()
    with ExitStack() as stack:
        pool: ProcessPoolExecutor | None = None

        def ordered(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
            nonlocal pool
            items = iter(items)
            first = list(itertools.islice(items, 2))
            if count == 1 or (len(first) < 2 and pool is None):
                yield from map(function, itertools.chain(first, items))
                return
            if pool is None:
                pool = ProcessPoolExecutor(count, get_context("spawn"), _prepare)
                stack.callback(pool.shutdown, cancel_futures=True)
            try:
                yield from in_order(pool, function, itertools.chain(first, items), 2 * count)
            except BrokenProcessPool as error:
                raise UserError(
                    "a working process was killed, perhaps because memory ran out:"
                    " close other programs, or use fewer with FEMTOGPT_WORKERS=1"
                ) from error

        yield ordered


def in_order(
    pool: Executor, function: Callable[[Item], Result], items: Iterable[Item], most: int
) -> Iterator[Result]:
    """The results in the order of the items, of which ``most`` are on their way at a time."""
    waiting: deque[Future] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _prepare() -> None:
    """What a new process does first: it leaves Ctrl-C to its parent, and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(ONE_THREAD)
    parent = parent_process().sentinel

    def watch() -> None:
        connection.wait([parent])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
