"""One source's part of the corpus, from its documents to its files."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path

import polars as pl

from femtogpt.config import CorpusConfig
from femtogpt.corpus.clean import Batch, Cleaned, batches, clean
from femtogpt.corpus.exchange import CLEANED
from femtogpt.corpus.placement import HELD_OUT, Fate, Placing, place
from femtogpt.corpus.rules import Rule
from femtogpt.corpus.schema import SCHEMA, SPLITS, Version, read, write
from femtogpt.corpus.split import held_out
from femtogpt.errors import UserError
from femtogpt.parallel import Map
from femtogpt.progress import progress
from femtogpt.sources.base import Source

PART = 4_000_000  # characters in a Parquet file of the corpus, about
EXAMPLES = 5  # of what a rule changed, in the report
MUCH = 0.5  # a smaller share of documents kept is told loudly
log = logging.getLogger(__name__)


@dataclass
class Size:
    """How large a split is."""

    documents: int = 0
    characters: int = 0

    def add(self, documents: int, characters: int) -> None:
        self.documents += documents
        self.characters += characters


class Part:
    """Cleans, splits and places one source's documents, and counts what happened to them."""

    def __init__(
        self, name: str, source: Source, rules: list[Rule], config: CorpusConfig, folder: Path
    ):
        self.name, self.source, self.rules, self.config = name, source, rules, config
        self.folder = folder
        self.batches: list[Cleaned] = []
        self.fates: dict[str, Fate] = {}  # by id, of the good documents that do not go to train
        self.rejected: Counter[str] = Counter()
        self.splits = {split: Size() for split in SPLITS}
        self.cut = 0  # characters
        self.held_files = 0

    @property
    def read(self) -> int:
        """Documents read."""
        return sum(batch.read for batch in self.batches)

    def clean(self, raw: Path, spread: Map) -> None:
        """Read the documents, clean and check them."""
        names = tuple(rule.name for rule in self.rules)

        def tasks() -> Iterator[Batch]:
            for number, rows in enumerate(batches(self.source.documents(raw))):
                yield Batch(rows, names, self.config, self._cleaned(number))

        characters = 0
        with progress(f"corpus: {self.name}", unit="characters") as update:
            for cleaned in spread(clean, tasks()):
                self.batches.append(cleaned)
                self.rejected.update(cleaned.rejected)
                characters += cleaned.characters_read
                update(characters)

    def _cleaned(self, number: int) -> Path:
        return self.folder / CLEANED / f"{self.name}-{number:05d}.arrow"

    def reject(self, name: str, rule: str, figure: str) -> None:
        """A good document goes after all."""
        self.fates[name] = Fate(rule, figure)

    def kept(self) -> list[tuple[str, int]]:
        """The documents that are good so far, as (id, characters)."""
        return [
            document
            for batch in self.batches
            for document in zip(batch.ids, batch.characters, strict=True)
            if document[0] not in self.fates
        ]

    def split(self) -> None:
        """Decide what is held out and write it; UserError where nothing is left of the source."""
        kept = self.kept()
        if not kept:
            counts = self.rejected + Counter(fate.rule for fate in self.fates.values())
            reasons = ", ".join(f"{rule} {n}" for rule, n in counts.items())
            raise UserError(
                f"source {self.name!r} is empty: none of its {self.read} documents was kept"
                f"{f' (rejected: {reasons})' if reasons else ''};"
                f" check the source's files and the settings in corpus"
            )
        held = held_out(self.name, kept, self.config.held_out)
        self.fates |= dict.fromkeys(held, HELD_OUT)
        frames: list[pl.DataFrame] = []
        for batch in self.batches:
            if not held.isdisjoint(batch.ids):
                frame = read(batch.file).drop("rule", "figure")
                frames.append(frame.filter(pl.col("id").is_in(list(held))))
            if sum(int(frame["characters"].sum()) for frame in frames) >= PART:
                self._write_held_out(frames)
        if frames:
            self._write_held_out(frames)

    def _write_held_out(self, frames: list[pl.DataFrame]) -> None:
        frame = pl.concat(frames).cast(SCHEMA)
        frames.clear()
        write(frame, self._documents("held_out", self.held_files))
        self.held_files += 1
        self.splits["held_out"].add(frame.height, int(frame["characters"].sum()))

    def place(self, held_out: tuple[Version, ...], spread: Map) -> None:
        """Write what trains and what is rejected; ``held_out`` is all that is, of all sources."""
        self.rejected.clear()
        for placed in spread(place, self._placings(held_out)):
            for file in placed.files:  # here: who placed them may be lost, and another do it again
                file.unlink()
            self.splits["train"].add(placed.documents, placed.characters)
            self.rejected.update(placed.rejected)
            self.cut += placed.cut
        kept = sum(split.documents for split in self.splits.values())
        if kept < MUCH * self.read:
            reasons = ", ".join(f"{rule} {n}" for rule, n in self.rejected.most_common())
            log.warning(
                "source %r: only %d of %d documents were kept (rejected: %s); look at them with"
                " `femtogpt corpus show --rejected`",
                *(self.name, kept, self.read, reasons),
            )

    def _placings(self, held_out: tuple[Version, ...]) -> Iterator[Placing]:
        """The batches, gathered into parts of about PART characters."""
        group: list[Cleaned] = []
        for number, batch in enumerate(self.batches):
            group.append(batch)
            last = number == len(self.batches) - 1
            if last or sum(sum(batch.characters) for batch in group) >= PART:
                first = number + 1 - len(group)
                yield Placing(
                    [batch.file for batch in group],
                    [
                        {name: self.fates[name] for name in batch.ids if name in self.fates}
                        for batch in group
                    ],
                    self._documents("train", first),
                    self.folder / "rejected" / f"source={self.name}" / f"{first:05d}.parquet",
                    held_out,
                    self.config,
                )
                group = []

    def _documents(self, split: str, number: int) -> Path:
        folder = self.folder / "documents" / f"source={self.name}" / f"split={split}"
        return folder / f"{number:05d}.parquet"

    def report(self) -> dict:
        """The counts, as JSON."""
        return {
            "documents": self.read,
            "characters": sum(batch.characters_read for batch in self.batches),
            "rules": {rule.name: self._touched(rule) for rule in self.rules},
            "rejected": dict(self.rejected.most_common()),
            "cut_characters": self.cut,
            "splits": {name: asdict(split) for name, split in self.splits.items()},
        }

    def _touched(self, rule: Rule) -> dict:
        """What a rule did to the source's documents, with examples from all over it."""
        touched = [batch.rules[rule.name] for batch in self.batches]
        rounds = zip_longest(*(part.examples for part in touched))  # first one of each batch
        examples = [example for turn in rounds for example in turn if example is not None]
        return {
            "purpose": rule.purpose,
            "documents": sum(part.documents for part in touched),
            "characters": sum(part.characters for part in touched),
            "examples": examples[:EXAMPLES],
        }
