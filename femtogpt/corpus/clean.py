"""A batch of documents through the rules and the filters: what the working processes do first."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from femtogpt.config import CorpusConfig
from femtogpt.corpus.dedup import sketched
from femtogpt.corpus.quality import verdicts
from femtogpt.corpus.rules import Rule, chosen
from femtogpt.corpus.schema import DOCUMENT, REJECTED
from femtogpt.corpus.shingles import shingles
from femtogpt.sources.base import Document, unique_ids

EXAMPLES = 3  # of what a rule changed in a batch: in its shortest documents, they are cheapest
AROUND = 120  # bytes before and after a change in an example
BATCH = 2_000_000  # characters cleaned at once: bounds the memory, whatever the corpus's size
ROWS = 50_000  # documents cleaned at once, where they have hardly any text


@dataclass(frozen=True)
class Batch:
    """Documents as their source has them, and what is to be done with them."""

    rows: list[tuple]  # of DOCUMENT and the fault
    rules: tuple[str, ...]
    config: CorpusConfig
    file: Path  # where they go, cleaned, as Arrow: columns as REJECTED, good and bad in order


@dataclass
class Touched:
    """What a rule did."""

    documents: int = 0
    characters: int = 0  # added, or taken away where negative
    examples: list[dict[str, str]] = field(default_factory=list)  # id, before, after


@dataclass
class Cleaned:
    """What came of a batch."""

    file: Path
    read: int  # documents
    characters_read: int
    rules: dict[str, Touched]
    rejected: Counter[str]  # by rule
    ids: list[str]  # of the good documents, as all that follows
    characters: list[int]
    fingerprints: list[bytes]  # equal for texts with the same words in one order
    signatures: np.ndarray  # for near-duplicates: (documents, hashes)


def batches(documents: Iterator[Document], size: int | None = None) -> Iterator[list[tuple]]:
    """Documents as rows, gathered up to ``size`` (default: BATCH) characters."""
    rows, characters = [], 0
    for document in unique_ids(documents):
        row = (getattr(document, column) for column in DOCUMENT)
        rows.append((*row, document.fault))
        characters += len(document.text)
        if characters >= (size or BATCH) or len(rows) >= ROWS:
            yield rows
            rows, characters = [], 0
    if rows:
        yield rows


def clean(batch: Batch) -> Cleaned:
    """Clean and check a batch and write it to its file."""
    rules = chosen(batch.rules)
    try:
        return _clean(batch, batch.rows, rules)
    except OSError:  # of the disk: no document is at fault
        raise
    except Exception:  # one bad document must not take the others with it: which is it?
        return _clean(batch, _tried(batch, batch.rows, rules), rules)


def _tried(batch: Batch, rows: list[tuple], rules: list[Rule]) -> list[tuple]:
    """The rows; of one that fails nothing but its id, and the error as its fault."""
    try:
        _clean(batch, rows, rules)
        return rows
    except OSError:
        raise
    except Exception as error:
        if len(rows) == 1:
            fault = f"cleaning failed: {type(error).__name__}: {error}"[:300]
            known = {"id": rows[0][0], "text": ""}
            return [(*map(known.get, DOCUMENT), fault)]
    middle = len(rows) // 2
    return _tried(batch, rows[:middle], rules) + _tried(batch, rows[middle:], rules)


def _clean(batch: Batch, rows: list[tuple], rules: list[Rule]) -> Cleaned:
    frame = pl.DataFrame(rows, schema=DOCUMENT | {"fault": pl.String}, orient="row")
    frame = frame.with_columns(characters=pl.col("text").str.len_chars().cast(pl.Int64))
    read = int(frame["characters"].sum())
    original = frame["text"]
    touched = {}
    for rule in rules:
        frame, touched[rule.name] = _apply(rule, frame)
    unchanged = frame["text"] == original  # else the source's figure is of another text
    frame = frame.with_columns(
        pl.when(unchanged).then(pl.col("entropy_bits")).alias("entropy_bits")
    )
    unreadable = pl.col("fault").is_not_null()
    frame = frame.with_columns(verdicts(frame, batch.config)).with_columns(
        rule=pl.when(unreadable).then(pl.lit("unreadable")).otherwise("rule"),
        figure=pl.when(unreadable).then("fault").otherwise("figure"),
    )
    arrow = io.BytesIO()  # in memory first: polars does not say that a disk is full as Python does
    frame.select(list(REJECTED)).cast(REJECTED).write_ipc(arrow, compression="lz4")
    batch.file.parent.mkdir(exist_ok=True)
    batch.file.write_bytes(arrow.getbuffer())
    good = frame.filter(pl.col("rule").is_null())
    hashes, sizes = shingles(good["text"])
    return Cleaned(
        batch.file,
        frame.height,
        read,
        touched,
        Counter(frame["rule"].drop_nulls()),
        good["id"].to_list(),
        good["characters"].to_list(),
        _fingerprints(hashes, sizes),
        sketched(hashes, sizes),
    )


def _apply(rule: Rule, frame: pl.DataFrame) -> tuple[pl.DataFrame, Touched]:
    before, lengths = frame["text"], frame["characters"]
    after = frame.select(rule.apply(pl.col("text")).alias("text"))["text"]
    changed = (before != after).arg_true()
    if changed.is_empty():
        return frame, Touched()
    counted = after.gather(changed).str.len_chars().cast(pl.Int64)  # the others' are known
    difference = int(counted.sum()) - int(lengths.gather(changed).sum())
    examples = []
    for row in changed.gather(lengths.gather(changed).arg_sort())[:EXAMPLES].to_list():
        # Bytes, as making a string of a novel takes twenty times as long.
        old, new = (text.slice(row, 1).cast(pl.Binary).item() for text in (before, after))
        told = dict(zip(("before", "after"), _change(old, new), strict=True))
        examples.append({"id": frame["id"][row], **told})
    frame = frame.with_columns(after, lengths.scatter(changed, counted))
    return frame, Touched(len(changed), difference, examples)


def _change(before: bytes, after: bytes) -> tuple[str, str]:
    """The first place where two texts in UTF-8 differ, with some characters around, of each."""
    common = min(len(before), len(after))
    one, other = (np.frombuffer(text, np.uint8, common) for text in (before, after))
    differ = one != other
    start = int(differ.argmax()) if differ.any() else common
    begin, end = max(0, start - AROUND), start + 2 * AROUND
    return tuple(text[begin:end].decode(errors="ignore") for text in (before, after))


def _fingerprints(hashes: np.ndarray, sizes: np.ndarray) -> list[bytes]:
    """16 bytes for each text, given by its shingles: equal for the same words in one order."""
    parts = np.split(hashes, np.cumsum(sizes)[:-1]) if len(sizes) else []
    return [hashlib.blake2b(part.tobytes(), digest_size=16).digest() for part in parts]
