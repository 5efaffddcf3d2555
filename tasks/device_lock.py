"""One training at a time on a graphics card, and on the processor, across all runs of this machine.

The locks are on files, so they hold whoever started the runs: a worker, a terminal, another copy of
the project. A killed process releases them.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from femtogpt.artifacts.file_lock import FileLock, Timeout
from femtogpt.config import TrainConfig

POLL_SECONDS = 1.0
log = logging.getLogger("femtogpt.training")


@contextlib.contextmanager
def device_lock(config: TrainConfig) -> Iterator[None]:
    """Hold the devices of a training. Waits, with a log line, while another training has them."""
    folder = Path(tempfile.gettempdir()) / f"femtogpt-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with contextlib.ExitStack() as stack:
        for device in devices(config):
            lock = FileLock(folder / f"{device.replace(':', '-')}.lock")
            try:
                lock.acquire(blocking=False)
            except Timeout:
                log.info("waiting: another training has %s", device)
                lock.acquire(poll_interval=POLL_SECONDS)
            stack.callback(lock.release)
        yield


def devices(config: TrainConfig) -> list[str]:
    """The devices that a training needs for itself, always in the same order.

    The processor is shared if ``threads`` says how much of it each training takes.
    """
    if config.device == "cpu" or (config.device == "auto" and not _has_card()):
        return [] if config.threads else ["cpu"]
    first = int(config.device.partition(":")[2] or 0)
    return [f"cuda:{first + number}" for number in range(config.processes)]


def _has_card() -> bool:
    """Whether NVIDIA's driver is loaded. Asking torch would take seconds."""
    return Path("/proc/driver/nvidia/version").exists()
