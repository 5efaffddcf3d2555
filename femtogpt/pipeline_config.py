"""The configuration of a pipeline on this machine: without a card, some train for a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from femtogpt.config import Config
from femtogpt.config_file import leaves, load_config, read_overrides

LENGTHS = {"train.hours", "train.max_steps", "train.epochs"}
DRIVER = Path("/proc/driver/nvidia/version")


def load_pipeline(
    name: str,
    overrides: Iterable[str] = (),
    archive: Path | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Config:
    """As ``load_config``, with ``train.cpu_hours`` as ``train.hours`` where there is no card.

    Not if a length is set beside the file.
    """
    overrides = [*overrides]
    config = load_config(name, overrides, archive, changes=changes)
    set_beside = {key for key, _ in leaves(changes or {})} | read_overrides(overrides).keys()
    is_given = config.train.hours is not None or set_beside & LENGTHS
    if config.train.cpu_hours is None or is_given or not on_processor(config.train.device):
        return config
    hours = f"train.hours={config.train.cpu_hours}"
    return load_config(name, [hours, *overrides], archive, changes=changes)


def on_processor(device: str) -> bool:
    """Whether this device setting means the processor."""
    return device == "cpu" or (device == "auto" and not has_card())


def has_card() -> bool:
    """Whether NVIDIA's driver is loaded. Asking torch would take seconds."""
    return DRIVER.exists()
