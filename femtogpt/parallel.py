"""Spread work over processes, with results in order and bounded memory.

Processes rather than threads because the parsers and rules written in Python hold the interpreter's
lock. They are this machine's, or those of a cluster (see ``map_provided_by``).
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

# For libraries with threads of their own; to be set in worker processes before their import.
ONE_THREAD = {"POLARS_MAX_THREADS": "1", "RAYON_NUM_THREADS": "1"}
Item = TypeVar("Item")
Result = TypeVar("Result")
Map = Callable[[Callable[[Item], Result], Iterable[Item]], Iterator[Result]]
MapProvider = Callable[[], AbstractContextManager[Map]]
_provider: ContextVar[MapProvider | None] = ContextVar("provider", default=None)


def cores() -> int:
    """The number of cores that this process may use; of all of them where no system call says."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def workers() -> int:
    """The number of processes to use: FEMTOGPT_WORKERS, or one per core that this process may use.

    Raises UserError if FEMTOGPT_WORKERS is not a positive number.
    """
    count = os.environ.get("FEMTOGPT_WORKERS", "")
    if not count:
        return cores()
    if not count.isdigit() or int(count) < 1:
        raise UserError(f"FEMTOGPT_WORKERS={count}: give a number of processes, 1 or more")
    return int(count)


@contextmanager
def map_provided_by(provider: MapProvider) -> Iterator[None]:
    """Within this context, ``processes()`` yields the map of ``provider()``, say a cluster's."""
    token = _provider.set(provider)
    try:
        yield
    finally:
        _provider.reset(token)


@contextmanager
def processes(count: int | None = None) -> Iterator[Map]:
    """Yield ``map(function, items)``, which gives the results in the order of the items.

    ``function`` must be importable by its name. At most two items per process are in flight, so
    that neither items nor results pile up. With a single item or a single process, the work is done
    in this process. The workers end with this process, however it ends. The map raises what
    ``function`` raises, and UserError if a worker was killed. See also ``map_provided_by``.
    """
    if provider := _provider.get():
        with provider() as provided:
            yield provided
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
                    "a worker process was killed, perhaps because memory ran out:"
                    " close other programs, or use fewer processes with FEMTOGPT_WORKERS=1"
                ) from error

        yield ordered


def in_order(
    pool: Executor, function: Callable[[Item], Result], items: Iterable[Item], limit: int
) -> Iterator[Result]:
    """The results in the order of the items, of which at most ``limit`` are in flight."""
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= limit:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _prepare() -> None:
    """Prepare a worker: leave Ctrl-C to its parent, and end when the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(ONE_THREAD)
    parent = parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel

    def watch() -> None:
        connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
