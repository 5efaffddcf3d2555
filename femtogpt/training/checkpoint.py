"""Checkpoints: whole or not there, checked when read, without pickled objects.

A checkpoint is a folder ``checkpoints/<step>/``: ``model.safetensors`` (weights), ``state.pt``
(optimiser, scaler, average: tensors and plain values, read with ``weights_only``) and
``checkpoint.json`` (step, place in the metrics, checksums), which is written last.
``checkpoints/best/`` has the weights alone, of the lowest held-out loss so far.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from femtogpt.artifacts.disk import file_digest, sync, write_atomic
from femtogpt.model.files import WEIGHTS_FILE
from femtogpt.training.metrics import METRICS_FILE

FOLDER = "checkpoints"
BEST = "best"
ABOUT = "checkpoint.json"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """What resuming needs."""

    step: int  # optimiser steps done
    metrics_size: int  # bytes of the metrics up to here
    seconds: float  # of training so far
    weights: dict[str, torch.Tensor]
    state: dict[str, Any]  # optimizer, scaler, average, windows


def save(run: Path, checkpoint: Checkpoint, keep: int) -> None:
    """Write a checkpoint of a run, then remove all but the newest ``keep``."""
    folder = run / FOLDER
    state = io.BytesIO()
    torch.save(checkpoint.state, state)
    about = {
        "step": checkpoint.step,
        "metrics_size": checkpoint.metrics_size,
        "metrics": _digest_of_start(run / METRICS_FILE, checkpoint.metrics_size),
        "seconds": checkpoint.seconds,
    }
    partial = _written(folder, checkpoint.weights, {"state.pt": state.getbuffer()}, about)
    for other in folder.glob("[0-9]*"):  # damaged ones that were passed over
        if int(other.name) >= checkpoint.step:
            shutil.rmtree(other)
    os.rename(partial, folder / f"{checkpoint.step:08d}")
    sync(folder)
    for old in sorted(folder.glob("[0-9]*"))[:-keep]:
        shutil.rmtree(old)


def save_best(run: Path, step: int, loss: float, weights: Mapping[str, torch.Tensor]) -> None:
    """Write the weights of the lowest held-out loss so far in the place of those before."""
    partial = _written(run / FOLDER, weights, {}, {"step": step, "held_out_loss": loss})
    shutil.rmtree(run / FOLDER / BEST, ignore_errors=True)
    os.rename(partial, run / FOLDER / BEST)
    sync(run / FOLDER)


def load_best(run: Path) -> tuple[int, dict[str, torch.Tensor]] | None:
    """The step and the weights of the lowest held-out loss; None if they are not there whole."""
    folder = run / FOLDER / BEST
    try:
        about = json.loads((folder / ABOUT).read_text())
        _check_files(folder, about)
        return about["step"], safetensors.torch.load_file(folder / WEIGHTS_FILE)
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        log.warning("checkpoint %s is damaged (%s): taking the last weights", folder, error)
        return None


class Writer:
    """Writes checkpoints in the background, from copies, one after another; or not at all."""

    def __init__(self, run: Path, keep: int, writes: bool = True):
        self.run, self.keep, self.writes = run, keep, writes
        self._thread = ThreadPoolExecutor(1, "checkpoint")
        self._writing: Future | None = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    def save(self, checkpoint: Checkpoint) -> None:
        """Copy and begin to write; raises what went wrong with the one before."""
        if not self.writes:
            return
        state, weights = _copied(checkpoint.state), _copied(checkpoint.weights)
        self._begin(save, replace(checkpoint, state=state, weights=weights), self.keep)

    def save_best(self, step: int, loss: float, weights: dict[str, torch.Tensor]) -> None:
        """The same, of the best weights."""
        if self.writes:
            self._begin(save_best, step, loss, _copied(weights))

    def wait(self) -> None:
        """Until all is on the disk; raises what went wrong."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.result()

    def _begin(self, function, *arguments) -> None:
        self.wait()
        self._writing = self._thread.submit(function, self.run, *arguments)


def _copied(value: Any) -> Any:
    """A copy in the processor's memory of the tensors in nested dictionaries and lists."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True).contiguous()
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_copied(item) for item in value)
    return value


def _written(
    folder: Path, weights: Mapping[str, torch.Tensor], files: Mapping[str, Any], about: dict
) -> Path:
    """A folder that is not yet in its place, with the weights, other files, and what vouches."""
    partial = folder / ".partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    write_atomic(partial / WEIGHTS_FILE, safetensors.torch.save(dict(weights)))
    for name, data in files.items():
        write_atomic(partial / name, data)
    about = {
        **about,
        "files": {path.name: file_digest(path) for path in sorted(partial.iterdir())},
    }
    write_atomic(partial / ABOUT, json.dumps(about, indent=1).encode())
    return partial


def load_newest(run: Path) -> Checkpoint | None:
    """The newest checkpoint that is whole; damaged ones are named in a warning and passed over.

    Whatever else keeps one from being read (memory, the disk) is raised: it may be better later.
    """
    for folder in sorted((run / FOLDER).glob("[0-9]*"), reverse=True):
        try:
            about = _checked(folder, run / METRICS_FILE)
        except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
            log.warning("checkpoint %s is damaged (%s): taking the one before", folder, error)
            continue
        return Checkpoint(
            about["step"],
            about["metrics_size"],
            about["seconds"],
            safetensors.torch.load_file(folder / WEIGHTS_FILE),
            torch.load(folder / "state.pt", weights_only=True, map_location="cpu"),
        )
    return None


def _checked(folder: Path, metrics: Path) -> dict:
    """What ``checkpoint.json`` says, after a look at everything it vouches for."""
    about = json.loads((folder / ABOUT).read_text())
    if about["step"] != int(folder.name):
        raise ValueError(f"{ABOUT} is of another step")
    _check_files(folder, about)
    if _digest_of_start(metrics, about["metrics_size"]) != about["metrics"]:
        raise ValueError(f"{metrics.name} is not what it was")
    return about


def _check_files(folder: Path, about: dict) -> None:
    for name, digest in about["files"].items():
        if file_digest(folder / name) != digest:
            raise ValueError(f"{name} does not match its checksum")


def _digest_of_start(path: Path, size: int) -> str:
    """SHA-256 of a file's first bytes."""
    with path.open("rb") as file:
        return hashlib.sha256(file.read(size)).hexdigest()
