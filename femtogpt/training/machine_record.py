"""On which machines a run was trained: ``machine.json`` beside its metrics.

A list, as a training may be resumed elsewhere. It names the hardware and the versions, and not the
host or the person: a run is passed on.
"""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import femtogpt
from femtogpt.artifacts.disk import write_atomic
from femtogpt.model.files import MACHINE_FILE
from femtogpt.processor import processor

if TYPE_CHECKING:
    from femtogpt.training.precision import Precision


def note_machine(run: Path, step: int, precision: Precision, processes: int) -> None:
    """Add this machine, on which the training goes on at ``step``, unless it was the last one."""
    known = [entry for entry in read_machines(run) if entry["step"] < step]
    here = this_machine(precision, processes)
    if not known or {**known[-1], **here} != known[-1]:
        content = json.dumps([*known, {"step": step, **here}], ensure_ascii=False, indent=1)
        write_atomic(run / MACHINE_FILE, content.encode())


def this_machine(precision: Precision, processes: int) -> dict[str, Any]:
    """The hardware that a training uses here, and the versions of what it runs on."""
    import torch

    card = None
    if precision.device.type == "cuda":
        about = torch.cuda.get_device_properties(precision.device)
        card = {"name": about.name, "memory": about.total_memory}
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),  # bytes
        "card": card,
        "processes": processes,
        "precision": precision.name,
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {
            "femtogpt": femtogpt.__version__,
            "python": platform.python_version(),
            "torch": str(torch.__version__),
        },
    }


def read_machines(run: Path) -> list[dict[str, Any]]:
    """The machines of a run, in order of steps; none in a run of an older version."""
    with suppress(OSError, ValueError):
        machines: list[dict[str, Any]] = json.loads((run / MACHINE_FILE).read_bytes())
        return machines
    return []
