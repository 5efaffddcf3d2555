"""The schema and the layout of the corpus's files.

::

    documents/source=<name>/split=<train|held_out>/<part>.parquet   see SCHEMA
    rejected/source=<name>/<part>.parquet                           see REJECTED
    balance/source=<name>/<part>.parquet                            see LEDGER in ``balance``
    report.json                                                     counts by source and rule
    proof.json                                                      no held-out text is in train
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl
from polars.datatypes import DataTypeClass

from femtogpt.artifacts.artifact import Artifact

REPORT, PROOF = "report.json", "proof.json"
BALANCE = "balance"  # the folder of the ledgers
SPLITS = ("train", "held_out")
DOCUMENT: dict[str, DataTypeClass] = {
    "id": pl.String,  # unique within the source
    "text": pl.String,  # cleaned
    "title": pl.String,
    "author": pl.String,
    "year": pl.Int32,
    "speaker": pl.String,
    "url": pl.String,
    "licence": pl.String,
    "entropy_bits": pl.Float64,  # −log2 p(text), if the source knows it and cleaning kept the text
}
_COLUMNS: dict[str, DataTypeClass] = {
    **DOCUMENT,
    "characters": pl.UInt32,  # Unicode code points of the cleaned text
}
SCHEMA = pl.Schema(_COLUMNS)
REJECTED = pl.Schema(
    {
        **_COLUMNS,
        "rule": pl.String,  # that rejected the document
        "figure": pl.String,  # the value that failed the rule
    }
)


def parts(corpus: Artifact, split: str) -> Iterator[tuple[str, Path]]:
    """The Parquet files of a split, as (source, file), in a stable order."""
    for file in sorted((corpus.path / "documents").glob(f"source=*/split={split}/*.parquet")):
        yield file.parent.parent.name.removeprefix("source="), file


class Version(NamedTuple):
    """A state of a file: the key under which a process that outlives a build caches its content."""

    file: Path
    size: int
    modified: float


def versions(files: Iterable[Path]) -> tuple[Version, ...]:
    """The current states of files."""
    stats = ((file, file.stat()) for file in files)
    return tuple(Version(file, stat.st_size, stat.st_mtime) for file, stat in stats)


def read(path: Path, columns: list[str] | None = None) -> pl.DataFrame:
    """Read a Parquet or (``.arrow``) Arrow file from a disk or from object storage."""
    file = path if isinstance(path, Path) else io.BytesIO(path.read_bytes())
    if path.suffix == ".arrow":
        return pl.read_ipc(file, columns=columns)
    return pl.read_parquet(file, columns=columns)


def write(frame: pl.DataFrame, path: Path) -> None:
    """Write Parquet. Python does the writing: polars raises no usable error if the disk is full."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet = io.BytesIO()
    frame.write_parquet(parquet, compression="zstd")
    path.write_bytes(parquet.getbuffer())


def texts(files: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """The documents of some of the corpus's files, as (source/id, text)."""
    for file in files:
        source = file.parent.parent.name.removeprefix("source=")
        for id, text in read(file, ["id", "text"]).iter_rows():
            yield f"{source}/{id}", text
