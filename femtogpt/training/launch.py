"""Starting the processes of a training on this machine, as torchrun does.

On several machines, run ``torchrun … -m femtogpt.training RUN TOKENS`` on each; all of them need
access to both folders.
"""

from __future__ import annotations

import logging
import os
import sys
import uuid
from dataclasses import fields
from typing import Any

from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from femtogpt.training.orphan import LAUNCHER
from femtogpt.training.rendezvous import LOOPBACK, stay_on_this_machine

SHUTDOWN_SECONDS = 120  # to finish a step and write a checkpoint after a signal


def launch(processes: int, arguments: list[str], stopped: int) -> int:
    """Run ``python -m femtogpt.training`` in several processes. Returns the first failed status.

    It is 0 if none failed, and ``stopped`` after a signal, which is passed on to all of them.
    """
    os.environ[LAUNCHER] = str(os.getpid())
    # torch's own report of a failure would follow the line that says what to do.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    patience: dict[str, Any] = {"shutdown_timeout": SHUTDOWN_SECONDS}
    if not patience.keys() <= {field.name for field in fields(LaunchConfig)}:
        patience = {}  # torch 2.11, as rented machines may have, always waits for 30 s
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=uuid.uuid4().hex,
        rdzv_backend=stay_on_this_machine(),
        local_addr=LOOPBACK,
        max_restarts=0,
        monitor_interval=0.1,
        **patience,
    )
    try:
        elastic_launch(config, sys.executable)("-m", "femtogpt.training", *arguments)
    except ChildFailedError as error:
        return error.get_first_failure()[1].exitcode
    except SignalException:
        return stopped
    return 0
