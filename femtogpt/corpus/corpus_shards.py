"""Write cleaned documents as Parquet shards: those that train, and those that are rejected.

The working processes do this last, once it is decided which documents are duplicates and which are
held out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from femtogpt.config import CorpusConfig
from femtogpt.corpus.overlap import HeldOutIndex, remove_overlap
from femtogpt.corpus.schema import REJECTED, SCHEMA, Version, read, write

MIN_REMAINING_SHARE = 0.5  # a train document that loses more than this to the held-out text goes


@dataclass(frozen=True)
class Decision:
    """Why a clean document does not train: a rule rejects it, or it is ``held_out``."""

    rule: str
    figure: str = ""


HELD_OUT = Decision("held_out")


@dataclass(frozen=True)
class ShardTask:
    """Files of cleaned documents that become one shard."""

    files: list[Path]
    decisions: list[dict[str, Decision]]  # for each file: by id of the documents that do not train
    documents: Path  # the shards to write
    rejected: Path
    held_out: tuple[Version, ...]  # the held-out shards of all sources
    config: CorpusConfig


@dataclass(frozen=True)
class ShardResult:
    """The counts of a written shard."""

    files: list[Path]  # the cleaned documents, no longer needed
    documents: int
    characters: int
    rejected: Counter[str]  # by rule
    cut: int  # characters removed from train documents because they are held out


def write_shard(task: ShardTask) -> ShardResult:
    """Write the documents that train, without any held-out text, and those that are rejected."""
    frames = []
    for file, decisions in zip(task.files, task.decisions, strict=True):
        frame = read(file)
        by_row = [decisions.get(id) for id in frame["id"]]
        columns = pl.DataFrame(
            {
                "decided_rule": [decision.rule if decision else None for decision in by_row],
                "decided_figure": [decision.figure if decision else None for decision in by_row],
            },
            schema={"decided_rule": pl.String, "decided_figure": pl.String},
        )
        frame = frame.hstack(columns).filter(pl.col("decided_rule").ne_missing(HELD_OUT.rule))
        frames.append(
            frame.with_columns(
                rule=pl.coalesce("rule", "decided_rule"),
                figure=pl.coalesce("figure", "decided_figure"),
            ).drop("decided_rule", "decided_figure")
        )
    frame, cut = _without_held_out(pl.concat(frames), task)
    train = frame.filter(pl.col("rule").is_null()).drop("rule", "figure").cast(SCHEMA)
    rejected = frame.filter(pl.col("rule").is_not_null()).cast(REJECTED)
    if train.height:
        write(train, task.documents)
    if rejected.height:
        write(rejected, task.rejected)
    characters = int(train["characters"].sum())
    return ShardResult(task.files, train.height, characters, Counter(rejected["rule"]), cut)


def _without_held_out(frame: pl.DataFrame, task: ShardTask) -> tuple[pl.DataFrame, int]:
    """Cut the held-out text from train documents, and reject those that lose too much.

    Returns the documents and the number of characters that were cut from those that stay.
    """
    index = _held_out_index(task.held_out, task.config.shared_characters)
    texts, rules, figures = (frame[column].to_list() for column in ("text", "rule", "figure"))
    changed, removed = set(), 0
    for row, text in enumerate(texts):
        if rules[row] is not None:
            continue
        remaining, lost = remove_overlap(text, index)
        if not lost:
            continue
        if len(remaining) < max(MIN_REMAINING_SHARE * len(text), task.config.min_characters):
            rules[row], figures[row] = "held_out_overlap", f"{lost} of {len(text)} characters"
        else:
            texts[row] = remaining
            changed.add(row)
            removed += lost
    if not changed and rules == frame["rule"].to_list():
        return frame, 0
    entropy = [None if row in changed else bits for row, bits in enumerate(frame["entropy_bits"])]
    return frame.with_columns(
        text=pl.Series(texts, dtype=pl.String),
        rule=pl.Series(rules, dtype=pl.String),
        figure=pl.Series(figures, dtype=pl.String),
        entropy_bits=pl.Series(entropy, dtype=pl.Float64),
    ).with_columns(characters=pl.col("text").str.len_chars()), removed


@lru_cache(1)
def _held_out_index(held_out: tuple[Version, ...], length: int) -> HeldOutIndex:
    """The index of all held-out documents, made once in each process."""
    texts = [text for version in held_out for text in read(version.file, ["text"])["text"]]
    return HeldOutIndex(texts, length)
