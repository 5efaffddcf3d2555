"""Checkpoints: whole or not there, checked when read, without pickled objects.

A checkpoint is a folder ``checkpoints/<step>/``: ``model.safetensors`` (weights), ``state.pt``
(optimiser, scaler and random states: tensors and plain values, read with ``weights_only``) and
``checkpoint.json`` (step, place in the metrics, checksums), which is written last.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from femtogpt.artifact import digest_of_file, sync, write_whole
from femtogpt.training.metrics import FILE

FOLDER = "checkpoints"
ABOUT = "checkpoint.json"
WEIGHTS = "model.safetensors"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """What resuming needs."""

    step: int  # optimiser steps done
    metrics_size: int  # bytes of the metrics up to here
    seconds: float  # of training so far
    weights: dict[str, torch.Tensor]
    state: dict[str, Any]  # optimizer, scaler, random


def save(run: Path, checkpoint: Checkpoint, keep: int) -> None:
    """Write a checkpoint of a run, then remove all but the newest ``keep``."""
    folder = run / FOLDER
    final, partial = folder / f"{checkpoint.step:08d}", folder / ".partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    state = io.BytesIO()
    torch.save(checkpoint.state, state)
    write_whole(partial / WEIGHTS, safetensors.torch.save(checkpoint.weights))
    write_whole(partial / "state.pt", state.getbuffer())
    about = {
        "step": checkpoint.step,
        "metrics_size": checkpoint.metrics_size,
        "metrics": _digest_of_start(run / FILE, checkpoint.metrics_size),
        "seconds": checkpoint.seconds,
        "files": {path.name: digest_of_file(path) for path in sorted(partial.iterdir())},
    }
    write_whole(partial / ABOUT, json.dumps(about, indent=1).encode())
    for other in folder.glob("[0-9]*"):  # damaged ones that were passed over
        if int(other.name) >= checkpoint.step:
            shutil.rmtree(other)
    os.rename(partial, final)
    sync(folder)
    for old in sorted(folder.glob("[0-9]*"))[:-keep]:
        shutil.rmtree(old)


def load_newest(run: Path) -> Checkpoint | None:
    """The newest checkpoint that is whole; damaged ones are named in a warning and passed over.

    Whatever else keeps one from being read (memory, the disk) is raised: it may be better later.
    """
    for folder in sorted((run / FOLDER).glob("[0-9]*"), reverse=True):
        try:
            about = _checked(folder, run / FILE)
        except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
            log.warning("checkpoint %s is damaged (%s): taking the one before", folder, error)
            continue
        return Checkpoint(
            about["step"],
            about["metrics_size"],
            about["seconds"],
            safetensors.torch.load_file(folder / WEIGHTS),
            torch.load(folder / "state.pt", weights_only=True, map_location="cpu"),
        )
    return None


def _checked(folder: Path, metrics: Path) -> dict:
    """What ``checkpoint.json`` says, after a look at everything it vouches for."""
    about = json.loads((folder / ABOUT).read_text())
    if about["step"] != int(folder.name):
        raise ValueError(f"{ABOUT} is of another step")
    for name, digest in about["files"].items():
        if digest_of_file(folder / name) != digest:
            raise ValueError(f"{name} does not match its checksum")
    if _digest_of_start(metrics, about["metrics_size"]) != about["metrics"]:
        raise ValueError(f"{metrics.name} is not what it was")
    return about


def _digest_of_start(path: Path, size: int) -> str:
    """SHA-256 of a file's first bytes."""
    with path.open("rb") as file:
        return hashlib.sha256(file.read(size)).hexdigest()
