"""What the corpus's Parquet files hold, and where they lie.

::

    documents/source=<name>/split=<train|held_out>/<part>.parquet   see SCHEMA
    rejected/source=<name>/<part>.parquet                           see REJECTED
    report.json                                                     counts by source and rule
    proof.json                                                      nothing held out is in train
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from femtogpt.artifacts.artifact import Artifact

REPORT, PROOF = "report.json", "proof.json"
SPLITS = ("train", "held_out")
DOCUMENT = {
    "id": pl.String,  # unique within the source
    "text": pl.String,  # cleaned
    "title": pl.String,
    "author": pl.String,
    "year": pl.Int32,
    "speaker": pl.String,
    "url": pl.String,
    "licence": pl.String,
    "entropy_bits": pl.Float64,  # −log2 p(text), where the source knows it and cleaning kept it
}
SCHEMA = DOCUMENT | {"characters": pl.UInt32}  # Unicode code points of the cleaned text
REJECTED = SCHEMA | {"rule": pl.String, "figure": pl.String}  # why, and by which figure


def parts(corpus: Artifact, split: str) -> Iterator[tuple[str, Path]]:
    """The Parquet files of a split, as (source, file), in a stable order."""
    for file in sorted((corpus.path / "documents").glob(f"source=*/split={split}/*.parquet")):
        yield file.parent.parent.name.removeprefix("source="), file


class Version(NamedTuple):
    """A file as it is now: what a process that outlives a build may remember it by."""

    file: Path
    size: int
    modified: float


def versions(files: Iterable[Path]) -> tuple[Version, ...]:
    """The files as they are now."""
    found = ((file, file.stat()) for file in files)
    return tuple(Version(file, stat.st_size, stat.st_mtime) for file, stat in found)


def read(path: Path, columns: list[str] | None = None) -> pl.DataFrame:
    """Read Parquet or (``.arrow``) Arrow, wherever it lies."""
    place = path if isinstance(path, Path) else io.BytesIO(path.read_bytes())
    if path.suffix == ".arrow":
        return pl.read_ipc(place, columns=columns)
    return pl.read_parquet(place, columns=columns)


def write(frame: pl.DataFrame, path: Path) -> None:
    """Write Parquet; polars itself does not say that a disk is full in a way one can catch."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet = io.BytesIO()
    frame.write_parquet(parquet, compression="zstd")
    path.write_bytes(parquet.getbuffer())
