"""One training at a time on a card, and on the processor, across all runs on this machine.

A lock on a file holds whoever started the runs: a worker, a terminal, another project's folder. A
process that is killed lets go of it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from femtogpt.config import TrainConfig

LOOK = 1.0  # seconds between tries
log = logging.getLogger("femtogpt.training")


@contextlib.contextmanager
def alone(config: TrainConfig) -> Iterator[None]:
    """Have the devices of a training to oneself; waits, and says so, while another has them."""
    folder = Path(tempfile.gettempdir()) / f"femtogpt-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with contextlib.ExitStack() as held:
        for device in devices(config):
            lock = FileLock(folder / f"{device.replace(':', '-')}.lock")
            try:
                lock.acquire(blocking=False)
            except Timeout:
                log.info("waiting: another training has %s", device)
                lock.acquire(poll_interval=LOOK)
            held.callback(lock.release)
        yield


def devices(config: TrainConfig) -> list[str]:
    """Those that a training must have to itself, always in the same order.

    A processor is shared where ``threads`` says how much of it each training takes.
    """
    if config.device == "cpu" or (config.device == "auto" and not _has_card()):
        return [] if config.threads else ["cpu"]
    first = int(config.device.partition(":")[2] or 0)
    return [f"cuda:{first + number}" for number in range(config.processes)]


def _has_card() -> bool:
    """Whether NVIDIA's driver is there; torch would take seconds to say so."""
    return Path("/proc/driver/nvidia/version").exists()
