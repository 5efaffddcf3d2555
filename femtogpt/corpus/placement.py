"""Cleaned documents to their places: train, held out or rejected.

The working processes do this last, when it is known which documents are duplicates and which
are held out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from femtogpt.config import CorpusConfig
from femtogpt.corpus.overlap import Blocks, cleared
from femtogpt.corpus.schema import REJECTED, SCHEMA, Version, read, write

LEFT = 0.5  # share of a train document that must stay when what is held out is cut from it


@dataclass(frozen=True)
class Fate:
    """What becomes of a good document: ``held_out``, or a rule that rejects it; else train."""

    rule: str
    figure: str = ""


HELD_OUT = Fate("held_out")


@dataclass(frozen=True)
class Placing:
    """Cleaned files that become one part of the corpus."""

    files: list[Path]
    fates: list[dict[str, Fate]]  # for each file: by id, of those that do not go to train
    documents: Path  # the parts to write
    rejected: Path
    held_out: tuple[Version, ...]  # the held-out parts of all sources
    config: CorpusConfig


@dataclass(frozen=True)
class Placed:
    """What came of it."""

    files: list[Path]  # that are placed, and no longer needed
    documents: int
    characters: int
    rejected: Counter[str]
    cut: int  # characters of train documents that stand in held-out ones


def place(task: Placing) -> Placed:
    """Write what trains and what is rejected, without any stretch that is held out."""
    frames = []
    for file, fates in zip(task.files, task.fates, strict=True):
        frame = read(file)
        found = [fates.get(name) for name in frame["id"]]
        decided = pl.DataFrame(
            {
                "decided": [fate.rule if fate else None for fate in found],
                "why": [fate.figure if fate else None for fate in found],
            },
            schema={"decided": pl.String, "why": pl.String},
        )
        frame = frame.hstack(decided).filter(pl.col("decided").ne_missing(HELD_OUT.rule))
        frames.append(
            frame.with_columns(
                rule=pl.coalesce("rule", "decided"), figure=pl.coalesce("figure", "why")
            ).drop("decided", "why")
        )
    frame, cut = _without_held_out(pl.concat(frames), task)
    train = frame.filter(pl.col("rule").is_null()).drop("rule", "figure").cast(SCHEMA)
    rejected = frame.filter(pl.col("rule").is_not_null()).cast(REJECTED)
    if train.height:
        write(train, task.documents)
    if rejected.height:
        write(rejected, task.rejected)
    characters = int(train["characters"].sum())
    return Placed(task.files, train.height, characters, Counter(rejected["rule"]), cut)


def _without_held_out(frame: pl.DataFrame, task: Placing) -> tuple[pl.DataFrame, int]:
    """Cut from the train documents what stands in held-out ones; what loses too much goes."""
    blocks = _blocks(task.held_out, task.config.shared_characters)
    texts, rules, figures = (frame[column].to_list() for column in ("text", "rule", "figure"))
    changed, removed = set(), 0
    for row, text in enumerate(texts):
        if rules[row] is not None:
            continue
        left, lost = cleared(text, blocks)
        if not lost:
            continue
        if len(left) < max(LEFT * len(text), task.config.min_characters):
            rules[row], figures[row] = "held_out_overlap", f"{lost} of {len(text)} characters"
        else:
            texts[row] = left
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
def _blocks(held_out: tuple[Version, ...], length: int) -> Blocks:
    """Of all held-out documents; made once in each process."""
    texts = [text for version in held_out for text in read(version.file, ["text"])["text"]]
    return Blocks(texts, length)
