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
from femtogpt.corpus.balance import check, ledger
from femtogpt.corpus.letter_counts import count_letters, letter_counts
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
    source: str
    rules: tuple[str, ...]  # that cleaned them
    documents: Path  # the shards to write
    rejected: Path
    balance: Path
    held_out: tuple[Version, ...]  # the held-out shards of all sources
    config: CorpusConfig


@dataclass(frozen=True)
class ShardResult:
    """The counts of a written shard."""

    files: list[Path]  # the cleaned documents, no longer needed
    documents: int
    characters: int
    works: int  # of which something trains or is held out
    rejected: Counter[str]  # by rule
    cut: int  # characters removed from train documents because they are held out
    letters: Counter[str]  # letters and digits in the shard's ledger, by kind, and those replaced


def write_shard(task: ShardTask) -> ShardResult:
    """Write the documents that train, without any held-out text, and those that are rejected.

    Raises UserError if a letter of a document is not accounted for.
    """
    frame = pl.concat(map(_decided, task.files, task.decisions))
    documents = frame.filter(pl.col("decoded").is_not_null()).select(
        "decoded", "unread", "effects", id="work"
    )
    held_out = frame.filter(rule=HELD_OUT.rule)
    decided = pl.col("rule").is_not_null()
    frame = frame.filter(pl.col("rule").ne_missing(HELD_OUT.rule))
    frame, cut = _without_held_out(frame, task)
    train, rejected = frame.filter(~decided), frame.filter(decided)
    if train.height:
        write(train.select(list(SCHEMA)).cast(SCHEMA), task.documents)
    if rejected.height:
        write(rejected.select(list(REJECTED)).cast(REJECTED), task.rejected)
    lines = ledger(documents, _became(held_out, train, rejected), task.rules)
    check(task.source, lines)
    write(lines, task.balance)
    sums = lines.group_by("kind").agg(pl.col("letters").sum())
    return ShardResult(
        task.files,
        train.height,
        int(train["characters"].sum()),
        pl.concat([train["work"], held_out["work"]]).n_unique(),
        Counter(rejected["rule"]),
        cut,
        Counter({**dict(sums.iter_rows()), "replaced": int(lines["replaced"].sum())}),
    )


def _decided(file: Path, decisions: dict[str, Decision]) -> pl.DataFrame:
    """The cleaned documents of a file; ``rule`` and ``figure`` say why one does not train."""
    frame = read(file)
    by_row = [decisions.get(id) for id in frame["id"]]
    columns = pl.DataFrame(
        {
            "decided_rule": [decision.rule if decision else None for decision in by_row],
            "decided_figure": [decision.figure if decision else None for decision in by_row],
        },
        schema={"decided_rule": pl.String, "decided_figure": pl.String},
    )
    return (
        frame.hstack(columns)
        .with_columns(
            rule=pl.coalesce("rule", "decided_rule"), figure=pl.coalesce("figure", "decided_figure")
        )
        .drop("decided_rule", "decided_figure")
    )


def _without_held_out(frame: pl.DataFrame, task: ShardTask) -> tuple[pl.DataFrame, int]:
    """Cut the held-out text from train documents, and reject those that lose too much.

    Returns the documents, with the letters and digits that were cut from each as ``cut``, and the
    number of characters that were cut from those that stay.
    """
    index = _held_out_index(task.held_out, task.config.shared_characters)
    texts, rules, figures = (frame[column].to_list() for column in ("text", "rule", "figure"))
    letters, removed = [0] * frame.height, 0
    changed = set()
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
            letters[row] = count_letters(text) - count_letters(remaining)
            changed.add(row)
            removed += lost
    frame = frame.with_columns(cut=pl.Series(letters, dtype=pl.Int64))
    if not changed and rules == frame["rule"].to_list():
        return frame, 0
    entropy = [None if row in changed else bits for row, bits in enumerate(frame["entropy_bits"])]
    return frame.with_columns(
        text=pl.Series(texts, dtype=pl.String),
        rule=pl.Series(rules, dtype=pl.String),
        figure=pl.Series(figures, dtype=pl.String),
        entropy_bits=pl.Series(entropy, dtype=pl.Float64),
    ).with_columns(characters=pl.col("text").str.len_chars()), removed


def _became(held_out: pl.DataFrame, train: pl.DataFrame, rejected: pl.DataFrame) -> pl.DataFrame:
    """What is in the corpus's files, and what was cut from it, counted in letters and digits."""

    def lines(frame: pl.DataFrame, kind: str, name: pl.Expr, letters: pl.Series) -> pl.DataFrame:
        return frame.select(id="work", kind=pl.lit(kind), name=name, letters=letters)

    return (
        pl.concat(
            [
                lines(train, "cut", pl.lit("train"), train["cut"]).filter(pl.col("letters") > 0),
                lines(held_out, "kept", pl.lit("held_out"), _letters(held_out)),
                lines(train, "kept", pl.lit("train"), _letters(train)),
                lines(
                    rejected,
                    "rejected",
                    pl.col("rule"),
                    _letters(rejected) + rejected["lost"].fill_null(0),
                ),
            ]
        )
        .group_by("id", "kind", "name", maintain_order=True)
        .sum()
    )  # of a work's parts


def _letters(frame: pl.DataFrame) -> pl.Series:
    return pl.Series(letter_counts(frame["text"]))


@lru_cache(1)
def _held_out_index(held_out: tuple[Version, ...], length: int) -> HeldOutIndex:
    """The index of all held-out documents, made once in each process."""
    texts = [text for version in held_out for text in read(version.file, ["text"])["text"]]
    return HeldOutIndex(texts, length)
