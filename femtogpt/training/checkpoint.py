"""Checkpoints: complete or absent, verified when read, in formats without code.

A checkpoint is a folder ``checkpoints/<step>/``: ``model.safetensors`` (weights),
``state.safetensors`` (optimizer, scaler, EMA), ``metrics.jsonl.gz`` (the metrics up to it) and
``checkpoint.json`` (step, size of the metrics, checksums), which is written last.
``checkpoints/best/`` has only the weights with the lowest held-out loss so far.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import logging
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, cast

import safetensors.torch
import torch

from femtogpt.artifacts.disk import file_digest, sync, write_atomic
from femtogpt.model.files import CHECKPOINT_FILE, CHECKPOINTS, WEIGHTS_FILE
from femtogpt.training.metrics import METRICS_FILE
from femtogpt.training.state_file import EARLIER_FILE, STATE_FILE, load_state, parts

BEST, PARTIAL = "best", ".partial"
METRICS_COPY = f"{METRICS_FILE}.gz"
PART_BYTES = 1 << 20  # of the metrics at once: of weeks of training they may be 500 MB
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """All that resuming needs."""

    step: int  # optimizer steps done
    metrics_size: int  # bytes of the metrics file up to here
    seconds: float  # of training so far
    weights: dict[str, torch.Tensor]
    state: dict[str, Any]  # optimizer, scaler, average, sequences


def save(run: Path, checkpoint: Checkpoint, keep: int) -> None:
    """Write a checkpoint of a run, then remove all but the newest ``keep``."""
    folder = run / CHECKPOINTS
    metrics, size = run / METRICS_FILE, checkpoint.metrics_size
    about = {
        "step": checkpoint.step,
        "metrics_size": size,
        "metrics": _digest(_start(metrics, size)),
        "seconds": checkpoint.seconds,
    }
    files = {
        STATE_FILE: parts(checkpoint.state),
        METRICS_COPY: _compressed(_start(metrics, size)),
    }
    partial = _write(folder, checkpoint.weights, files, about)
    for other in folder.glob("[0-9]*"):  # damaged ones that were skipped
        if int(other.name) >= checkpoint.step:
            shutil.rmtree(other)
    os.rename(partial, folder / f"{checkpoint.step:08d}")
    sync(folder)
    tidy(run, keep, checkpoint.step)


def tidy(run: Path, keep: int, step: int) -> None:
    """Remove all checkpoints but the newest ``keep`` up to a sound one, that of ``step``.

    A process that was killed may have left one half written or half removed.
    """
    folder = run / CHECKPOINTS
    shutil.rmtree(unfinished(run), ignore_errors=True)
    for old in sorted(path for path in folder.glob("[0-9]*") if int(path.name) <= step)[:-keep]:
        shutil.rmtree(old)


def save_best(run: Path, step: int, loss: float, weights: Mapping[str, torch.Tensor]) -> None:
    """Replace the weights with the lowest held-out loss so far."""
    partial = _write(run / CHECKPOINTS, weights, {}, {"step": step, "held_out_loss": loss})
    shutil.rmtree(run / CHECKPOINTS / BEST, ignore_errors=True)
    os.rename(partial, run / CHECKPOINTS / BEST)
    sync(run / CHECKPOINTS)


def load_best(run: Path) -> tuple[int, dict[str, torch.Tensor]] | None:
    """The step and the weights of the lowest held-out loss; None if missing or damaged."""
    folder = run / CHECKPOINTS / BEST
    try:
        about = json.loads((folder / CHECKPOINT_FILE).read_text("utf-8"))
        _check_files(folder, about)
        return about["step"], safetensors.torch.load_file(folder / WEIGHTS_FILE)
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        log.warning("checkpoint %s is damaged (%s): taking the last weights", folder, error)
        return None


def unfinished(run: Path) -> Path:
    """Where a checkpoint is until it is complete."""
    return run / CHECKPOINTS / PARTIAL


class CheckpointWriter:
    """Writes checkpoints in the background from copies; in a process that ``writes``."""

    def __init__(self, run: Path, keep: int, writes: bool = True):
        self.run, self.keep, self.writes = run, keep, writes
        self._thread = ThreadPoolExecutor(1, "checkpoint")
        self._writing: Future[None] | None = None

    def close(self) -> None:
        """Wait for what is being written."""
        self._thread.shutdown()

    def save(self, checkpoint: Checkpoint) -> None:
        """Copy a checkpoint and begin to write it; raises the previous one's error, if any."""
        if not self.writes:
            return
        state, weights = _copy(checkpoint.state), _copy(checkpoint.weights)
        self._begin(save, replace(checkpoint, state=state, weights=weights), self.keep)

    def save_best(self, step: int, loss: float, weights: dict[str, torch.Tensor]) -> None:
        """Copy the best weights so far and begin to write them."""
        if self.writes:
            self._begin(save_best, step, loss, _copy(weights))

    def wait(self) -> None:
        """Wait until everything is on the disk; raises the error if that failed."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.result()

    def _begin(self, function: Callable[..., None], *arguments: Any) -> None:
        self.wait()
        self._writing = self._thread.submit(function, self.run, *arguments)


def _copy(value: Any) -> Any:
    """Nested dictionaries and lists with their tensors copied to the CPU."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True).contiguous()
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_copy(item) for item in value)
    return value


def _write(
    folder: Path,
    weights: Mapping[str, torch.Tensor],
    files: Mapping[str, Iterable[bytes | memoryview]],
    about: dict[str, Any],
) -> Path:
    """Write weights, other files and their checksums into a temporary folder; gives its path."""
    partial = folder / PARTIAL
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    write_atomic(partial / WEIGHTS_FILE, safetensors.torch.save(dict(weights)))
    for name, data in files.items():
        write_atomic(partial / name, *data)
    about = {
        **about,
        "files": {path.name: file_digest(path) for path in sorted(partial.iterdir())},
    }
    write_atomic(partial / CHECKPOINT_FILE, json.dumps(about, indent=1).encode())
    return partial


def load_newest(run: Path) -> Checkpoint | None:
    """Load the newest undamaged checkpoint; a damaged one is logged and skipped.

    Any other error in reading it (memory, the disk) is raised: the next attempt may succeed.
    """
    if (newest := find_newest(run)) is None:
        return None
    folder, about = newest
    state_file = EARLIER_FILE if EARLIER_FILE in about["files"] else STATE_FILE
    return Checkpoint(
        about["step"],
        about["metrics_size"],
        about["seconds"],
        safetensors.torch.load_file(folder / WEIGHTS_FILE),
        load_state(folder / state_file),
    )


def find_newest(run: Path) -> tuple[Path, dict[str, Any]] | None:
    """The folder of the newest undamaged checkpoint, and its ``checkpoint.json``."""
    for folder in sorted((run / CHECKPOINTS).glob("[0-9]*"), reverse=True):
        try:
            return folder, _verify(folder, run)
        except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
            log.warning("checkpoint %s is damaged (%s): taking the one before", folder, error)
    return None


def metrics_until(folder: Path, about: dict[str, Any], run: Path) -> IO[bytes]:
    """Open the metrics up to a checkpoint; an early one has no copy of its own of them."""
    if METRICS_COPY in about["files"]:
        return cast(IO[bytes], gzip.open(folder / METRICS_COPY))
    return io.BytesIO(b"".join(_start(run / METRICS_FILE, about["metrics_size"])))


def restore_metrics(run: Path, step: int) -> None:
    """Make the metrics of a run what they were up to the sound checkpoint of ``step``, if any."""
    if not step:
        return
    folder, metrics = run / CHECKPOINTS / f"{step:08d}", run / METRICS_FILE
    about = json.loads((folder / CHECKPOINT_FILE).read_text("utf-8"))
    size = about["metrics_size"]
    if not metrics.is_file() or _digest(_start(metrics, size)) != about["metrics"]:
        log.warning("%s is damaged: it is made again by the checkpoint %s", metrics, folder.name)
        with metrics_until(folder, about, run) as lines:
            write_atomic(metrics, lines.read())


def _verify(folder: Path, run: Path) -> dict[str, Any]:
    """The content of ``checkpoint.json``, once all its checksums are verified."""
    about: dict[str, Any] = json.loads((folder / CHECKPOINT_FILE).read_text("utf-8"))
    if about["step"] != int(folder.name):
        raise ValueError(f"{CHECKPOINT_FILE} is of another step")
    _check_files(folder, about)
    with metrics_until(folder, about, run) as lines:
        if _digest(iter(lambda: lines.read(PART_BYTES), b"")) != about["metrics"]:
            raise ValueError(f"{METRICS_FILE} is not what it was")
    return about


def _check_files(folder: Path, about: dict[str, Any]) -> None:
    for name, digest in about["files"].items():
        if file_digest(folder / name) != digest:
            raise ValueError(f"{name} does not match its checksum")


def _start(path: Path, size: int) -> Iterator[bytes]:
    """A file's first ``size`` bytes, in parts."""
    with path.open("rb") as file:
        while part := file.read(min(size, PART_BYTES)):
            size -= len(part)
            yield part


def _digest(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in pieces:
        digest.update(part)
    return digest.hexdigest()


def _compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The gzip file of some bytes, in parts."""
    gzipped = zlib.compressobj(1, wbits=16 + zlib.MAX_WBITS)
    yield from map(gzipped.compress, pieces)
    yield gzipped.flush()
