"""Spreads the library's work over Dask's workers, by the map that ``femtogpt.parallel`` takes.

Results come in order, with at most two items per worker thread under way, as in the processes of
one machine.
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

JOIN_SECONDS = 60.0  # for a first worker to join, and for lost ones to return
POLL_SECONDS = 1.0
SPREAD_STAGE = "femtogpt.corpus.build"  # the stage whose work is spread
log = logging.getLogger("femtogpt.tasks")


@contextmanager
def spread_over(client: Any, folder: Path) -> Iterator[Map]:
    """``map(function, items)`` by a Dask client, once its workers have been checked.

    They must have this femtogpt and see ``folder``, in which they work. Raises UserError if they do
    not, if none has joined, and if all are lost.
    """
    _await_workers(client)
    _check_workers(client, folder)
    pool: Any = _Pool(client)  # has what ``in_order`` uses of an executor

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
    """A submitted job. Dask runs it again elsewhere if its worker is lost."""

    def __init__(self, client: Any, future: Any):
        self.client, self.future = client, future

    def result(self) -> Any:
        """The job's result. Raises what the job raises, and UserError if the workers are lost."""
        from distributed import CancelledError, KilledWorker

        workers_seen = time.monotonic()
        while not self.future.done():
            try:
                self.future.exception(POLL_SECONDS)
            except TimeoutError:
                workers_seen = time.monotonic() if self.client.nthreads() else workers_seen
                if time.monotonic() - workers_seen > JOIN_SECONDS:
                    raise UserError(
                        f"all workers of the Dask cluster have been gone for {JOIN_SECONDS:.0f} s:"
                        " start them again, then give the same command"
                    ) from None
        try:
            return self.future.result()
        except KilledWorker as error:
            raise UserError(
                "several workers of the Dask cluster were killed by the same work, perhaps because"
                " memory ran out: give each more memory, or start fewer on a machine"
            ) from error
        except CancelledError as error:
            raise UserError(
                "the Dask scheduler is gone: start it again, then give the same command"
            ) from error

    def cancel(self) -> None:
        self.future.cancel()


def _await_workers(client: Any) -> None:
    try:
        client.wait_for_workers(1, timeout=JOIN_SECONDS)
    except TimeoutError:
        raise UserError(
            f"no worker has joined the Dask scheduler at {client.scheduler.address} in"
            f" {JOIN_SECONDS:.0f} s: start some, with dask worker {client.scheduler.address}"
        ) from None
    threads = client.nthreads()
    log.info("%s", f"Dask: {len(threads)} workers, {sum(threads.values())} threads")


def _check_workers(client: Any, folder: Path) -> None:
    """Raise UserError unless each worker would do the same as this process."""
    probe = folder / ".seen"
    probe.parent.mkdir(parents=True, exist_ok=True)
    probe.write_bytes(b"")
    try:
        reports = client.run(_describe_worker, probe, on_error="return")
    finally:
        probe.unlink()
    for worker, report in reports.items():
        if isinstance(report, Exception):
            why = f"{type(report).__name__}: {report}"
            raise UserError(f"Dask's worker {worker} cannot work ({why}): install femtogpt there")
        if report["code"] != code():
            raise UserError(
                f"Dask's worker {worker} has another femtogpt: bring it to the same commit as this"
                " machine, and start it again"
            )
        if not report["sees"]:
            raise UserError(
                f"Dask's worker {worker} does not see {folder}: make its machine share that folder,"
                " or name a place that both see with cluster.exchange=…"
            )


def _describe_worker(probe: Path) -> dict[str, Any]:
    """Runs in a worker: its code, and whether it sees the probe."""
    return {"code": code(), "sees": probe.exists()}


@cache
def code() -> str:
    """The digest of the code that the workers run and of what its results depend on most."""
    import polars

    return json_digest([dict(code_of(SPREAD_STAGE)), polars.__version__])
