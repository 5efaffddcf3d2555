"""Clean a batch of documents with the rules and apply the filters: the first work of a process."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from femtogpt.config import CorpusConfig
from femtogpt.corpus.balance import STORED, Balance
from femtogpt.corpus.chapters import is_part_id, split_works
from femtogpt.corpus.dedup import minhash
from femtogpt.corpus.edition_signs import look_like_editions
from femtogpt.corpus.letter_counts import common_prefix, count_letters
from femtogpt.corpus.losses import Losses
from femtogpt.corpus.quality import verdicts
from femtogpt.corpus.rules import OF_EDITIONS, Rule, select_rules
from femtogpt.corpus.schema import DOCUMENT, REJECTED
from femtogpt.corpus.shingles import shingles
from femtogpt.sources.base import Document, unique_ids

EXAMPLES_PER_BATCH = 3  # of a rule's changes, from the shortest documents because that is cheapest
CONTEXT_BYTES = 120  # before and after a change in an example
BATCH_CHARACTERS = 2_000_000  # cleaned at once: bounds the memory
BATCH_DOCUMENTS = 2_500  # cleaned at once, if they have hardly any text
Row = tuple[Any, ...]  # the values of DOCUMENT's columns, then the fault
TEXT = list(DOCUMENT).index("text")  # its place in a row
# The columns of the documents on their way between the processes; ``work`` is the id as read.
CLEANED = pl.Schema({**REJECTED, "work": pl.String(), **STORED})


@dataclass(frozen=True)
class Batch:
    """Documents as their source provides them, and how to clean them."""

    rows: list[Row]
    rules: tuple[str, ...]
    config: CorpusConfig
    file: Path  # the Arrow file for all cleaned documents in order, with the columns of CLEANED


@dataclass
class RuleEffect:
    """What a rule did to a batch."""

    documents: int = 0  # changed
    characters: int = 0  # added, or removed if negative
    examples: list[dict[str, str]] = field(default_factory=list)  # id, before, after
    losses: Losses = field(default_factory=Losses)  # of letters and digits


@dataclass
class CleanedBatch:
    """The result of cleaning a batch; the lists are of the documents that pass the filters."""

    file: Path
    documents_read: int
    characters_read: int
    rules: dict[str, RuleEffect]
    rejected: Counter[str]  # by rule
    ids: list[str]
    characters: list[int]
    editions: list[str]  # ids of those that look like editions, unless the rules are for such
    fingerprints: list[bytes]  # equal for texts with the same words in the same order
    signatures: np.ndarray  # MinHash: (documents, HASHES) uint32


def batches(
    documents: Iterator[Document], size: int | None = None, unit: str = "work"
) -> Iterator[list[Row]]:
    """Group documents, as rows with unique ids, into batches of about ``size`` characters.

    The default of ``size`` is BATCH_CHARACTERS. If the ``unit`` is ``chapter``, no document has the
    id of another one's part.
    """
    rows: list[Row] = []
    characters = 0
    reserved = (is_part_id,) if unit == "chapter" else ()
    for document in unique_ids(documents, *reserved):
        row = (getattr(document, column) for column in DOCUMENT)
        rows.append((*row, document.fault))
        characters += len(document.text)
        if characters >= (size or BATCH_CHARACTERS) or len(rows) >= BATCH_DOCUMENTS:
            yield rows
            rows, characters = [], 0
    if rows:
        yield rows


def clean(batch: Batch) -> CleanedBatch:
    """Clean and filter a batch and write it to its file."""
    rules = select_rules(batch.rules)
    try:
        return _clean(batch, batch.rows, rules)
    except OSError:  # the disk, not a document
        raise
    except Exception:  # find the bad document, so that the others are not lost with it
        rows = _isolate_failures(batch, batch.rows, rules)
        lost = [
            0 if row is original else count_letters(original[TEXT])
            for row, original in zip(rows, batch.rows, strict=True)
        ]
        return _clean(batch, rows, rules, lost)


def _isolate_failures(batch: Batch, rows: list[Row], rules: list[Rule]) -> list[Row]:
    """The rows, with each one that fails reduced to its id and the error as its fault."""
    try:
        _clean(batch, rows, rules)
        return rows
    except OSError:
        raise
    except Exception as error:
        if len(rows) == 1:
            fault = f"cleaning failed: {type(error).__name__}: {error}"[:300]
            values = {"id": rows[0][0], "text": ""}
            return [(*map(values.get, DOCUMENT), fault)]
    middle = len(rows) // 2
    return [
        *_isolate_failures(batch, rows[:middle], rules),
        *_isolate_failures(batch, rows[middle:], rules),
    ]


def _clean(
    batch: Batch,
    rows: list[Row],
    rules: list[Rule],
    lost: Sequence[int] | None = None,
    trusting: bool = True,
) -> CleanedBatch:
    """Clean a batch. ``trusting``: rules that say so keep letters; this is proved in the end."""
    frame = pl.DataFrame(rows, schema=DOCUMENT | {"fault": pl.String}, orient="row")
    frame = frame.with_columns(characters=pl.col("text").str.len_chars().cast(pl.Int64))
    characters_read = int(frame["characters"].sum())
    original = frame["text"]
    balance = Balance(original, lost or [0] * frame.height)
    effects = [RuleEffect() for _ in rules]
    for number, rule in enumerate(rules):
        before = frame["text"]
        frame, changed = _apply(rule, frame, effects[number])
        if len(changed) and not (trusting and rule.keeps_letters):
            for change in balance.after_rule(number, changed, before, frame["text"]):
                decoded = int(balance.decoded[change.row])
                losses = effects[number].losses
                losses.add(frame["id"][change.row], decoded, change.difference, change.gaps)
    if trusting and not balance.is_complete(frame["text"]):
        return _clean(batch, rows, rules, lost, trusting=False)
    unchanged = frame["text"] == original  # the source's entropy is that of the original text
    frame = frame.with_columns(
        pl.when(unchanged).then(pl.col("entropy_bits")).alias("entropy_bits")
    )
    unreadable = pl.col("fault").is_not_null()
    frame = frame.with_columns(verdicts(frame, batch.config)).with_columns(
        rule=pl.when(unreadable).then(pl.lit("unreadable")).otherwise("rule"),
        figure=pl.when(unreadable).then("fault").otherwise("figure"),
    )
    arrow = io.BytesIO()  # in memory first: polars raises no usable error if the disk is full
    frame = frame.hstack(balance.stored()).with_columns(work="id")
    if batch.config.unit == "chapter":
        frame = split_works(frame)
    stored = frame.select(list(CLEANED)).cast(CLEANED)
    stored.write_ipc(arrow, compression="lz4")
    batch.file.parent.mkdir(exist_ok=True)
    batch.file.write_bytes(arrow.getbuffer())
    passed = frame.filter(pl.col("rule").is_null())
    editions = [] if OF_EDITIONS.intersection(batch.rules) else _editions(passed)
    hashes, sizes = shingles(passed["text"])
    return CleanedBatch(
        batch.file,
        len(rows),
        characters_read,
        {rule.name: effect for rule, effect in zip(rules, effects, strict=True)},
        Counter(frame["rule"].drop_nulls()),
        passed["id"].to_list(),
        passed["characters"].to_list(),
        editions,
        _fingerprints(hashes, sizes),
        minhash(hashes, sizes),
    )


def _editions(frame: pl.DataFrame) -> list[str]:
    works = frame.filter(look_like_editions(frame["text"]))["work"]
    return works.unique(maintain_order=True).to_list()


def _apply(rule: Rule, frame: pl.DataFrame, effect: RuleEffect) -> tuple[pl.DataFrame, np.ndarray]:
    """The documents after a rule, and which of them it changed; counted in ``effect``."""
    before, lengths = frame["text"], frame["characters"]
    after = frame.select(rule.apply(pl.col("text")).alias("text"))["text"]
    changed = (before != after).arg_true()
    if changed.is_empty():
        return frame, changed.to_numpy()
    old_lengths = lengths.gather(changed)
    new_lengths = after.gather(changed).str.len_chars().cast(pl.Int64)
    effect.documents = len(changed)
    effect.characters = int(new_lengths.sum()) - int(old_lengths.sum())
    for row in changed.gather(old_lengths.arg_sort())[:EXAMPLES_PER_BATCH].to_list():
        # Bytes: making a Python string of a novel takes twenty times as long.
        old, new = (text.slice(row, 1).cast(pl.Binary).item() for text in (before, after))
        effect.examples.append({"id": frame["id"][row], **_first_change(old, new)})
    frame = frame.with_columns(after, lengths.scatter(changed, new_lengths))
    return frame, changed.to_numpy()


def _first_change(before: bytes, after: bytes) -> dict[str, str]:
    """Both texts, given as UTF-8, around the first position at which they differ."""
    position = common_prefix(np.frombuffer(before, np.uint8), np.frombuffer(after, np.uint8))
    span = slice(max(0, position - CONTEXT_BYTES), position + 2 * CONTEXT_BYTES)
    return {
        "before": before[span].decode(errors="ignore"),
        "after": after[span].decode(errors="ignore"),
    }


def _fingerprints(hashes: np.ndarray, sizes: np.ndarray) -> list[bytes]:
    """16 bytes for each text, from its shingles: equal for the same words in the same order."""
    parts = np.split(hashes, np.cumsum(sizes)[:-1]) if len(sizes) else []
    return [hashlib.blake2b(part.tobytes(), digest_size=16).digest() for part in parts]
