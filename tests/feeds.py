"""A metrics file on its way to MLflow, as supervising a training sends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.mlflow_metrics import MetricsForwarder
from tasks.training_process import MetricsFeed


def feed_of(client: Any, run_id: str, path: Path) -> MetricsFeed:
    """What reads the file and forwards it to the run."""
    return MetricsFeed(path, 1000, MetricsForwarder(client, run_id))


def forward(feed: MetricsFeed) -> None:
    """Send what is new in the file, and what MLflow has not taken so far."""
    feed.read()
    feed.forwarder.send()
