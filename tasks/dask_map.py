"""The library's spread work on Dask: the map that ``femtogpt.parallel`` gives, done by its workers.

Results come in order, with at most two items for each of the workers' threads on their way, as in
this machine's own processes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.disk import json_digest
from femtogpt.errors import UserError
from femtogpt.parallel import Item, Map, Result, in_order

JOIN = 60.0  # seconds in which a first worker must have joined, and in which a lost one may return
SPREAD = "femtogpt.corpus.build"  # the stage whose work is spread
LOOK = 1.0  # seconds between looks at who is there
log = logging.getLogger("femtogpt.tasks")


@contextmanager
def spread_over(client: Any, place: Path) -> Iterator[Map]:
    """``map(function, items)`` of a Dask client, after a look at its workers.

    They must have this femtogpt, and see ``place``, in which they work. Raises UserError where
    they do not, where none has joined, and where all are lost.
    """
    _await_workers(client)
    _examine(client, place)
    pool = _Pool(client)

    def ordered(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        return in_order(pool, function, items, 2 * max(1, sum(client.nthreads().values())))

    yield ordered


class _Pool:
    """Takes jobs as an executor does."""

    def __init__(self, client: Any):
        self.client = client

    def submit(self, function: Callable[[Item], Result], item: Item) -> _Job:
        return _Job(self.client, self.client.submit(function, item, pure=False))


class _Job:
    """A job on its way; it is done again elsewhere if its worker is lost."""

    def __init__(self, client: Any, future: Any):
        self.client, self.future = client, future

    def result(self) -> Any:
        """What came of it, or what it raised; UserError where the workers are lost."""
        from distributed import CancelledError, KilledWorker

        seen = time.monotonic()
        while not self.future.done():
            try:
                self.future.exception(LOOK)
            except TimeoutError:
                seen = time.monotonic() if self.client.nthreads() else seen
                if time.monotonic() - seen > JOIN:
                    raise UserError(
                        f"all workers of the Dask cluster are gone for {JOIN:.0f} s: start them"
                        " again, then give the same command"
                    ) from None
        try:
            return self.future.result()
        except KilledWorker as error:
            raise UserError(
                "workers of the Dask cluster are killed by one and the same work, perhaps because"
                " memory runs out: give each more, or start fewer on a machine"
            ) from error
        except CancelledError as error:
            raise UserError(
                "the Dask scheduler is gone: start it again, then give the same command"
            ) from error

    def cancel(self) -> None:
        self.future.cancel()


def _await_workers(client: Any) -> None:
    try:
        client.wait_for_workers(1, timeout=JOIN)
    except TimeoutError:
        raise UserError(
            f"no worker has joined the Dask scheduler at {client.scheduler.address} in"
            f" {JOIN:.0f} s: start some, with dask worker {client.scheduler.address}"
        ) from None
    threads = client.nthreads()
    log.info("%s", f"Dask: {len(threads)} workers, {sum(threads.values())} threads")


def _examine(client: Any, place: Path) -> None:
    """See that each worker would do the same as this process."""
    probe = place / ".seen"
    probe.parent.mkdir(parents=True, exist_ok=True)
    probe.write_bytes(b"")
    try:
        found = client.run(_about, probe, on_error="return")
    finally:
        probe.unlink()
    for worker, about in found.items():
        if isinstance(about, Exception):
            why = f"{type(about).__name__}: {about}"
            raise UserError(f"Dask's worker {worker} cannot work ({why}): install femtogpt there")
        if about["code"] != code():
            raise UserError(
                f"Dask's worker {worker} has another femtogpt: bring it to this one's commit,"
                " and start it again"
            )
        if not about["sees"]:
            raise UserError(
                f"Dask's worker {worker} does not see {place}: have its machine share that folder,"
                " or name a place that both see with cluster.exchange=…"
            )


def _about(probe: Path) -> dict[str, Any]:
    """What a worker is like."""
    return {"code": code(), "sees": probe.exists()}


@cache
def code() -> str:
    """The digest of the code that the workers run and of what its results depend on most."""
    import polars

    return json_digest([dict(code_of(SPREAD)), polars.__version__])
