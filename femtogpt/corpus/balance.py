"""What became of every letter: a ledger of each document's letters and digits.

The ledger (LEDGER) has a line for each thing that happened to a document, in order::

    kind      name            letters  replaced  added
    decoded                     5,000         2      0   as the source read it; replaced: by U+FFFD
    rule      footnote_marks       12         0      0   what a rule took; only if letters changed
    rule      old_spelling         80       310      0   replaced: by other letters
    cut       train               400         0      0   also in held-out text
    kept      train             4,508         0      0   or held_out: what was written
    rejected  min_characters       90         0      0   instead of kept: by which filter

So for each document and in sum: decoded + added = taken by rules + cut + kept + rejected. What a
rule took is counted in the text before and after it, and what was kept in the text that is written.
If the two do not agree, a step changed a text unseen, and the stage ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from femtogpt.corpus.letter_counts import Difference, checksums, difference
from femtogpt.corpus.stretches import Gap, gaps
from femtogpt.errors import UserError

LOST = "\ufffd"  # stands for each place that could not be decoded
LEDGER = pl.Schema(
    {
        "id": pl.String,  # of the document as read
        "kind": pl.String,  # decoded, rule, cut, kept or rejected
        "name": pl.String,  # of the rule, the split or the filter
        "letters": pl.Int64,  # decoded, taken or kept
        "replaced": pl.Int64,  # by other letters or digits, or by U+FFFD; not among those taken
        "added": pl.Int64,
    }
)
STORED = {  # columns that go with a document until the ledger is written
    "decoded": pl.Int64(),
    "lost": pl.Int64(),  # of those, how many cannot be kept, since cleaning failed
    "unread": pl.Int64(),  # places beside them that could not be decoded: U+FFFD in the text
    "effects": pl.List(
        pl.Struct({"rule": pl.UInt16, "taken": pl.Int64, "replaced": pl.Int64, "added": pl.Int64})
    ),  # by the rule's place in the source's list
}


class Change(NamedTuple):
    """What a rule did to the letters of a document."""

    row: int  # of the document
    difference: Difference
    gaps: list[Gap]  # all that differs


class Balance:
    """Follows the letters of a batch's documents through the rules."""

    def __init__(self, texts: pl.Series, lost: Sequence[int]):
        """``lost``: the letters that each document had besides its text."""
        self.lost = np.array(lost, np.int64)
        counts, self._checksums = checksums(texts)
        self.decoded = counts + self.lost
        self.unread = texts.str.count_matches(LOST, literal=True)
        self._effects: list[list[dict[str, int]]] = [[] for _ in range(len(texts))]

    def after_rule(
        self, rule: int, rows: np.ndarray, before: pl.Series, after: pl.Series
    ) -> Iterator[Change]:
        """What a rule did to the letters of the documents ``rows``, given all texts."""
        for row in rows.tolist():
            old, new = (text.slice(row, 1).cast(pl.Binary).item() for text in (before, after))
            found = gaps(old, new)
            change, checksum = difference(*(b"\n".join(side) for side in zip(*found, strict=True)))
            if any(change):
                self._checksums[row] = (int(self._checksums[row]) + checksum) % 2**64
                self._effects[row].append({"rule": rule, **change._asdict()})
                yield Change(row, change, found)

    def is_complete(self, texts: pl.Series) -> bool:
        """Whether what the rules did explains the letters of the cleaned texts."""
        return bool((checksums(texts)[1] == self._checksums).all())

    def stored(self) -> pl.DataFrame:
        """The columns STORED."""
        columns = {"decoded": self.decoded, "lost": self.lost, "unread": self.unread}
        return pl.DataFrame({**columns, "effects": self._effects}, schema=STORED)


def ledger(documents: pl.DataFrame, written: pl.DataFrame, rules: Sequence[str]) -> pl.DataFrame:
    """The ledger of documents, each one's lines together, in the documents' order.

    ``documents`` has the columns ``id``, ``decoded``, ``unread`` and ``effects``. ``written`` has
    what became of them in the corpus's files, counted there: the columns ``id``, ``kind`` (cut,
    kept or rejected), ``name`` and ``letters``.
    """
    decoded = documents.select(
        "id", kind=pl.lit("decoded"), name=pl.lit(""), letters="decoded", replaced="unread"
    )
    effects = documents.select("id", "effects").explode("effects").unnest("effects")
    names = pl.Series(list(rules), dtype=pl.String)
    effects = effects.select(
        "id",
        pl.lit("rule").alias("kind"),
        names.gather(effects["rule"]).alias("name"),
        pl.col("taken").alias("letters"),
        *("replaced", "added"),
    )
    lines = pl.concat([decoded, effects, written], how="diagonal_relaxed")
    lines = lines.with_columns(pl.col("replaced", "added").fill_null(0))
    place = dict(zip(documents["id"], range(documents.height), strict=True))
    order = lines["id"].replace_strict(place, return_dtype=pl.Int64).arg_sort()
    return lines[order].select(list(LEDGER)).cast(LEDGER)


def check(source: str, lines: pl.DataFrame) -> None:
    """Raises UserError, naming the first document whose balance does not come out."""
    income = pl.when(kind="decoded").then("letters").otherwise(0) + pl.col("added")
    spent = pl.when(kind="decoded").then(0).otherwise("letters")
    sums = lines.group_by("id", maintain_order=True).agg(
        income.sum().alias("income"), spent.sum().alias("spent")
    )
    wrong = sums.filter(pl.col("income") != pl.col("spent"))
    if wrong.height:
        id, have, found = wrong.row(0)
        more = f" (and those of {wrong.height - 1:,} more)" if wrong.height > 1 else ""
        raise UserError(
            f"source {source!r}, document {id!r}: of {have:,} letters and digits {found:,} are"
            f" accounted for{more}; a step of the cleaning loses or adds text unseen, which is a"
            " fault of the program: please report it with this document"
        )
