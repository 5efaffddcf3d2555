"""What MLflow is told of a run beside its settings: the machine, its load, and the texts."""

from __future__ import annotations

import contextlib
import getpass
import logging
import os
import platform
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from femtogpt.artifacts.artifact import Artifact

SAMPLE = 10.0  # seconds between looks at the machine's load
CONTEXTS = {"train": "training", "held_out": "held-out"}
log = logging.getLogger("femtogpt.tracking")


def machine() -> dict[str, str]:
    """Tags that tell the machine: its processor, its cards, its name, and who started the run."""
    cards = [
        name
        for about in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
        for name in re.findall(r"^Model:\s*(.+)$", about.read_text(), re.MULTILINE)
    ]
    tags = {
        "femtogpt.machine": f"{processor()}, {os.cpu_count()} cores",
        "femtogpt.host": platform.node(),
        "mlflow.user": _user(),
    }
    return {**tags, "femtogpt.cards": ", ".join(cards)} if cards else tags


def _user() -> str:
    """The person's name on this machine, or the number where it knows none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def processor() -> str:
    """The processor's name, as Linux knows it."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def inputs(tokens: Artifact, sources: dict[str, str], index: dict) -> list:
    """MLflow's dataset inputs: each source's tokens, for training and held out.

    ``sources``: name to where its texts come from; ``index``: of the token shards.
    """
    from mlflow.data.dataset_source_registry import resolve_dataset_source
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.entities import DatasetInput, InputTag

    with warnings.catch_warnings(action="ignore"):  # that a path can be read in two equal ways
        source = resolve_dataset_source(str(tokens.path))
    found = []
    for split, context in CONTEXTS.items():
        for name, part in index["splits"][split].items():
            title = name if split == "train" else f"{name}, held out"
            dataset = MetaDataset(source, name=title, digest=tokens.content[:8])
            tags = {
                "mlflow.data.context": context,
                "tokens": f"{part['tokens']:,}",
                "texts": sources[name],
            }
            entity = dataset._to_mlflow_entity()
            found.append(DatasetInput(entity, [InputTag(*tag) for tag in tags.items()]))
    return found


@contextlib.contextmanager
def monitored(uri: str, run_id: str) -> Iterator[None]:
    """Have MLflow's own monitor write the machine's load into a run, every few seconds.

    It begins when the training has told something: MLflow's pages begin with what came first.
    """
    from mlflow import MlflowClient
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    class Monitor(SystemMetricsMonitor):
        def monitor(self) -> None:
            client = MlflowClient(uri)
            with contextlib.suppress(Exception):
                while not client.get_run(run_id).data.metrics:
                    if self._shutdown_event.wait(SAMPLE):
                        return
                super().monitor()

    logging.getLogger("mlflow.system_metrics").setLevel(logging.WARNING)
    monitor: Any = None
    try:
        monitor = Monitor(run_id, sampling_interval=SAMPLE, resume_logging=True, tracking_uri=uri)
        monitor.start()
    except Exception as error:  # it is not worth the run
        log.warning("no system metrics: %s", error)
    try:
        yield
    finally:
        if monitor is not None:
            with contextlib.suppress(Exception):
                monitor.finish()
