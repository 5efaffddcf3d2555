"""The corpus stage: documents of all sources, cleaned, checked, split, as Parquet.

Layout of the artifact::

    documents/source=<name>/split=<train|held_out>/<part>.parquet   see SCHEMA
    rejected/source=<name>/<part>.parquet                           see REJECTED
    report.json                                                     counts by source and rule
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from femtogpt.artifact import Artifact, Recipe, Store
from femtogpt.config import Config, CorpusConfig
from femtogpt.corpus.rules import Rule, chosen
from femtogpt.corpus.split import held_out
from femtogpt.errors import UserError
from femtogpt.progress import progress
from femtogpt.sources.base import Document, Source
from femtogpt.sources.fetch import BYTES

VERSION = 1
BATCH = 8_000_000  # characters cleaned at once: bounds the memory, whatever the corpus's size
SPLITS = ("train", "held_out")
log = logging.getLogger(__name__)

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


def build_corpus(store: Store, config: Config, raws: Mapping[str, Artifact]) -> Artifact:
    """The corpus of all sources; ``raws`` are their raw artifacts by source name.

    Raises UserError for an unknown rule, and where a source or a split comes out empty.
    """
    rules = {name: chosen(source.rules) for name, source in config.sources.items()}
    recipe = Recipe(
        "corpus",
        VERSION,
        {
            "sources": {name: source.reading() for name, source in config.sources.items()},
            **config.corpus.model_dump(mode="json"),
        },
        raws,
    )

    def build(folder: Path) -> dict:
        seen: dict[bytes, str] = {}
        report = {
            name: _Builder(name, source, rules[name], config.corpus, seen, folder).build(
                raws[name].path / BYTES
            )
            for name, source in sorted(config.sources.items())  # as the digest: in any order
        }
        if not sum(part["splits"]["held_out"]["documents"] for part in report.values()):
            raise UserError(
                "the corpus has a single document, and whole works are held out: "
                "cut it into several files (chapters, say), or add a source"
            )
        text = json.dumps(report, ensure_ascii=False, indent=1)
        (folder / "report.json").write_text(text, encoding="utf-8")
        return _summary(report)

    return store.make(recipe, build)


class _Builder:
    """Builds one source's part of the corpus and counts what happened to it."""

    def __init__(
        self,
        name: str,
        source: Source,
        rules: list[Rule],
        config: CorpusConfig,
        seen: dict[bytes, str],
        folder: Path,
    ):
        self.name, self.source, self.rules, self.config = name, source, rules, config
        self.seen = seen  # fingerprint of a text to "source/id", across sources
        self.folder = folder
        self.rejected_by: Counter[str] = Counter()
        self.by_rule = {
            rule.name: {"purpose": rule.purpose, "documents": 0, "characters": 0} for rule in rules
        }

    def build(self, raw: Path) -> dict:
        kept: list[tuple[str, int]] = []
        batches, read, characters = 0, 0, 0
        (self.folder / "cleaned").mkdir()
        with progress(f"corpus: {self.name}", unit="characters") as update:
            for batch in _batches(self.source.documents(raw)):
                frame = pl.DataFrame(batch, schema=DOCUMENT, orient="row")
                read += frame.height
                characters += int(frame["text"].str.len_chars().sum())
                frame = self._check(self._clean(frame), batches)
                _write(frame, self.folder / "cleaned" / f"{batches:05d}.parquet")
                kept += frame.select("id", "characters").iter_rows()
                batches += 1
                update(characters)
        if not kept:
            reasons = ", ".join(f"{rule} {n}" for rule, n in self.rejected_by.items())
            raise UserError(
                f"source {self.name!r} is empty: none of its {read} documents was kept"
                f"{f' (rejected: {reasons})' if reasons else ''};"
                f" check the source's files and the settings in corpus"
            )
        splits = self._split(kept, batches)
        return {
            "documents": read,
            "characters": characters,
            "rules": self.by_rule,
            "rejected": dict(self.rejected_by),
            "splits": splits,
        }

    def _clean(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Apply the rules in order and count what each touched."""
        original = frame["text"]
        for rule in self.rules:
            before = frame["text"]
            frame = frame.with_columns(rule.apply(pl.col("text")))
            counts = self.by_rule[rule.name]
            counts["documents"] += int((frame["text"] != before).sum())
            lengths = frame["text"].str.len_chars().sum() - before.str.len_chars().sum()
            counts["characters"] += int(lengths)
        unchanged = frame["text"] == original  # else the source's figure is of another text
        return frame.with_columns(
            pl.when(unchanged).then(pl.col("entropy_bits")).alias("entropy_bits"),
            pl.col("text").str.len_chars().alias("characters"),
        )

    def _check(self, frame: pl.DataFrame, batch: int) -> pl.DataFrame:
        """Keep the good documents; the others go to ``rejected`` with the rule and its figure."""
        letters = pl.col("text").str.count_matches(r"\p{L}")
        cyrillic = pl.col("text").str.count_matches(r"\p{Cyrillic}") / letters
        frame = frame.with_columns(
            pl.when(pl.col("text") == "")
            .then(pl.struct(rule=pl.lit("empty or not text"), figure=pl.lit("0")))
            .when(pl.col("characters") < self.config.min_characters)
            .then(pl.struct(rule=pl.lit("min_characters"), figure=pl.col("characters").cast(str)))
            .when((letters == 0) | (cyrillic < self.config.min_cyrillic))
            .then(pl.struct(rule=pl.lit("min_cyrillic"), figure=cyrillic.round(3).cast(str)))
            .otherwise(pl.struct(rule=pl.lit(None), figure=pl.lit(None)))
            .struct.unnest()
        )
        duplicates = self._duplicates(frame)
        frame = frame.with_columns(
            rule=pl.coalesce("rule", pl.when(duplicates.is_not_null()).then(pl.lit("duplicate"))),
            figure=pl.coalesce("figure", duplicates),
        )
        rejected = frame.filter(pl.col("rule").is_not_null())
        if rejected.height:
            self.rejected_by.update(rejected["rule"])
            folder = self.folder / "rejected" / f"source={self.name}"
            folder.mkdir(parents=True, exist_ok=True)
            _write(rejected.cast(REJECTED), folder / f"{batch:05d}.parquet")
        return frame.filter(pl.col("rule").is_null()).drop("rule", "figure").cast(SCHEMA)

    def _duplicates(self, frame: pl.DataFrame) -> pl.Series:
        """For each document still good, the one kept before with the same letters, or null."""
        found = []
        for name, text, rule in frame.select("id", "text", "rule").iter_rows():
            if rule is not None:
                found.append(None)
                continue
            letters = re.sub(r"[\W_]+", "", text.casefold())
            fingerprint = hashlib.blake2b(letters.encode(), digest_size=16).digest()
            found.append(self.seen.get(fingerprint))
            self.seen.setdefault(fingerprint, f"{self.name}/{name}")
        return pl.Series("duplicate", found, dtype=pl.String)

    def _split(self, kept: list[tuple[str, int]], batches: int) -> dict:
        """Sort the cleaned batches into train and held-out, one batch in memory at a time."""
        held = held_out(self.name, kept, self.config.held_out)
        splits = {split: {"documents": 0, "characters": 0} for split in SPLITS}
        for batch in range(batches):
            cleaned = self.folder / "cleaned" / f"{batch:05d}.parquet"
            frame = pl.read_parquet(cleaned)
            is_held = frame["id"].is_in(list(held))
            for split, part in zip(
                SPLITS, (frame.filter(~is_held), frame.filter(is_held)), strict=True
            ):
                if not part.height:
                    continue
                folder = self.folder / "documents" / f"source={self.name}" / f"split={split}"
                folder.mkdir(parents=True, exist_ok=True)
                _write(part, folder / f"{batch:05d}.parquet")
                splits[split]["documents"] += part.height
                splits[split]["characters"] += int(part["characters"].sum())
            cleaned.unlink()
        (self.folder / "cleaned").rmdir()
        return splits


def _write(frame: pl.DataFrame, path: Path) -> None:
    """Write Parquet; polars itself does not say that a disk is full in a way one can catch."""
    parquet = io.BytesIO()
    frame.write_parquet(parquet, compression="zstd")
    path.write_bytes(parquet.getbuffer())


def _batches(documents: Iterator[Document]) -> Iterator[list[tuple]]:
    """Documents as rows, gathered up to BATCH characters."""
    rows, characters = [], 0
    for document in documents:
        rows.append(tuple(getattr(document, column) for column in DOCUMENT))
        characters += len(document.text)
        if characters >= BATCH:
            yield rows
            rows, characters = [], 0
    if rows:
        yield rows


def _summary(report: Mapping[str, Any]) -> dict:
    """The counts of the whole corpus, for the manifest."""

    def total(split: str, what: str) -> int:
        return sum(part["splits"][split][what] for part in report.values())

    return {
        "documents_read": sum(part["documents"] for part in report.values()),
        "characters_read": sum(part["characters"] for part in report.values()),
        "documents_rejected": sum(sum(part["rejected"].values()) for part in report.values()),
        **{
            f"{split}_{what}": total(split, what)
            for split in SPLITS
            for what in ("documents", "characters")
        },
    }


def parts(corpus: Artifact, split: str) -> Iterator[tuple[str, Path]]:
    """The Parquet files of a split, as (source, file), in a stable order."""
    for file in sorted((corpus.path / "documents").glob(f"source=*/split={split}/*.parquet")):
        yield file.parent.parent.name.removeprefix("source="), file
