"""What MLflow gets of a run besides its settings: the machine, its load, and the texts."""

from __future__ import annotations

import contextlib
import getpass
import json
import logging
import os
import platform
import re
from collections.abc import Iterator, Mapping
from math import ceil
from pathlib import Path
from typing import Any

from femtogpt.artifacts.artifact import Artifact
from femtogpt.processor import processor
from femtogpt.progress import Spacing

LOAD_SECONDS = 10.0  # between looks at the machine's load
CONTEXTS = {"train": "training", "held_out": "held-out"}
log = logging.getLogger("femtogpt.tracking")


def machine_tags() -> dict[str, str]:
    """Tags that name the machine: processor, graphics cards, host, and who started the run."""
    cards = [
        name
        for information in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
        for name in re.findall(r"^Model:\s*(.+)$", information.read_text("utf-8"), re.MULTILINE)
    ]
    tags = {
        "femtogpt.machine": f"{processor()}, {os.cpu_count()} cores",
        "femtogpt.host": platform.node(),
        "mlflow.user": _user(),
    }
    return {**tags, "femtogpt.cards": ", ".join(cards)} if cards else tags


def _user() -> str:
    """The user's name, or the number if the machine has no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def dataset_inputs(
    tokens: Artifact, origins: Mapping[str, str], index: Mapping[str, Any]
) -> list[Any]:
    """MLflow's dataset inputs: the tokens of each source, for training and held out.

    ``origins``: by source, where its texts come from; ``index``: of the token shards.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = []
    for split, context in CONTEXTS.items():
        for source, part in index["splits"][split].items():
            dataset = Dataset(
                name=source if split == "train" else f"{source}, held out",
                digest=tokens.content[:8],
                source_type="local",
                source=json.dumps({"uri": str(tokens.path)}),
            )
            tags = {
                "mlflow.data.context": context,
                "tokens": f"{part['tokens']:,}",
                "texts": origins[source],
            }
            inputs.append(DatasetInput(dataset, [InputTag(*tag) for tag in tags.items()]))
    return inputs


@contextlib.contextmanager
def system_metrics(uri: str, run_id: str) -> Iterator[None]:
    """Within this, MLflow's own monitor logs the machine's load to a run every few seconds.

    It starts after the training's first metrics: MLflow's pages begin with what came first. The
    longer it runs, the more looks are in one mean, so that the database grows ever more slowly.
    """
    from mlflow import MlflowClient
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    class PatientMonitor(SystemMetricsMonitor):
        def monitor(self) -> None:
            client = MlflowClient(uri)
            with contextlib.suppress(Exception):
                while not client.get_run(run_id).data.metrics:
                    if self._shutdown_event.wait(LOAD_SECONDS):
                        return
                super().monitor()

        def publish_metrics(self, metrics: Any) -> None:
            super().publish_metrics(metrics)
            self.mlflow_logger.flush()  # by itself it waits for hours once the clock was set back
            spacing.is_due()
            self.samples_before_logging = ceil(spacing.seconds / LOAD_SECONDS)

    logging.getLogger("mlflow.system_metrics").setLevel(logging.WARNING)
    spacing = Spacing(LOAD_SECONDS)
    monitor: PatientMonitor | None = None
    try:
        monitor = PatientMonitor(
            run_id, sampling_interval=LOAD_SECONDS, resume_logging=True, tracking_uri=uri
        )
        monitor.start()
    except Exception as error:  # not worth failing the run for
        log.warning("the machine's load is not logged: %s", error)
    try:
        yield
    finally:
        if monitor is not None:
            with contextlib.suppress(Exception):
                monitor.finish()
