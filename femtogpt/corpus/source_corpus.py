"""One source's share of the corpus, from its documents to its Parquet files."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import polars as pl

from femtogpt.config import CorpusConfig
from femtogpt.corpus.clean import Batch, CleanedBatch, batches, clean
from femtogpt.corpus.corpus_shards import HELD_OUT, Decision, ShardTask, write_shard
from femtogpt.corpus.exchange import CLEANED
from femtogpt.corpus.losses import together
from femtogpt.corpus.rules import Rule
from femtogpt.corpus.schema import BALANCE, SCHEMA, SPLITS, Version, read, write
from femtogpt.corpus.split import held_out_ids
from femtogpt.errors import UserError
from femtogpt.parallel import Map
from femtogpt.progress import progress
from femtogpt.sources.base import Source

SHARD_CHARACTERS = 4_000_000  # a Parquet file ends with the batch that reaches this size
SHARD_DOCUMENTS = 5_000  # or this one, if they have hardly any text
EXAMPLES_PER_RULE = 5  # of changes, in the report
FEW_KEPT = 0.5  # warn if a smaller share of a source's documents is kept
log = logging.getLogger(__name__)


@dataclass
class SplitSize:
    """The size of a split."""

    documents: int = 0
    characters: int = 0

    def add(self, documents: int, characters: int) -> None:
        self.documents += documents
        self.characters += characters


class SourceCorpus:
    """Cleans, splits and writes one source's documents, and counts what happened to them."""

    def __init__(
        self, name: str, source: Source, rules: list[Rule], config: CorpusConfig, folder: Path
    ):
        self.name, self.source, self.rules, self.config = name, source, rules, config
        self.folder = folder
        self.batches: list[CleanedBatch] = []
        self.decisions: dict[str, Decision] = {}  # by id of the clean documents that do not train
        self.rejected: Counter[str] = Counter()  # by rule
        self.splits = {split: SplitSize() for split in SPLITS}
        self.works_kept = 0  # as they were read: also those of which only a part is kept
        self.cut_characters = 0
        self.letters: Counter[str] = Counter()  # and digits, by what became of them
        self.held_out_files = 0

    @property
    def documents_read(self) -> int:
        return sum(batch.documents_read for batch in self.batches)

    def clean(self, raw: Path, spread: Map) -> None:
        """Read the documents, clean them and apply the filters."""
        rule_names = tuple(rule.name for rule in self.rules)

        def tasks() -> Iterator[Batch]:
            documents = self.source.documents(raw)
            for number, rows in enumerate(batches(documents, unit=self.config.unit)):
                yield Batch(rows, rule_names, self.config, self._cleaned_file(number))

        characters = 0
        with progress(f"corpus: {self.name}", unit="characters") as update:
            for cleaned in spread(clean, tasks()):
                self.batches.append(cleaned)
                self.rejected.update(cleaned.rejected)
                characters += cleaned.characters_read
                update(characters)

    def _cleaned_file(self, number: int) -> Path:
        return self.folder / CLEANED / f"{self.name}-{number:05d}.arrow"

    def reject(self, id: str, rule: str, figure: str) -> None:
        """Reject a document that passed the filters."""
        self.decisions[id] = Decision(rule, figure)

    def kept(self) -> list[tuple[str, int]]:
        """The documents that are not rejected so far, as (id, characters)."""
        return [
            document
            for batch in self.batches
            for document in zip(batch.ids, batch.characters, strict=True)
            if document[0] not in self.decisions
        ]

    def split(self) -> None:
        """Decide which documents are held out, and write them.

        Raises UserError if no document of the source was kept.
        """
        kept = self.kept()
        if not kept:
            counts = self.rejected + Counter(decision.rule for decision in self.decisions.values())
            reasons = ", ".join(f"{rule} {n}" for rule, n in counts.items())
            raise UserError(
                f"source {self.name!r} is empty: none of its {self.documents_read} documents was"
                f" kept{f' (rejected: {reasons})' if reasons else ''};"
                " check the source's files and the settings in corpus"
            )
        held_out = held_out_ids(self.name, kept, self.config.held_out)
        self.decisions |= dict.fromkeys(held_out, HELD_OUT)
        frames: list[pl.DataFrame] = []
        for batch in self.batches:
            if not held_out.isdisjoint(batch.ids):
                frame = read(batch.file, list(SCHEMA))
                frames.append(frame.filter(pl.col("id").is_in(list(held_out))))
            if sum(int(frame["characters"].sum()) for frame in frames) >= SHARD_CHARACTERS:
                self._write_held_out(frames)
                frames = []
        if frames:
            self._write_held_out(frames)

    def _write_held_out(self, frames: list[pl.DataFrame]) -> None:
        frame = pl.concat(frames).cast(SCHEMA)
        write(frame, self._documents_file("held_out", self.held_out_files))
        self.held_out_files += 1
        self.splits["held_out"].add(frame.height, int(frame["characters"].sum()))

    def write_train(self, held_out: tuple[Version, ...], spread: Map) -> None:
        """Write the documents that train and those rejected.

        ``held_out`` are the held-out files of all sources.
        """
        self.rejected.clear()
        for shard in spread(write_shard, self._shard_tasks(held_out)):
            for file in shard.files:  # not in the worker: if that is lost, another repeats its work
                file.unlink()
            self.splits["train"].add(shard.documents, shard.characters)
            self.works_kept += shard.works
            self.rejected.update(shard.rejected)
            self.cut_characters += shard.cut
            self.letters.update(shard.letters)
        if self.works_kept < FEW_KEPT * self.documents_read:
            reasons = ", ".join(f"{rule} {n}" for rule, n in self.rejected.most_common())
            rejected = "works and parts rejected" if self.config.unit == "chapter" else "rejected"
            log.warning(
                "source %r: only %d of %d documents were kept (%s: %s); look at them with"
                " `femtogpt corpus show --rejected`",
                *(self.name, self.works_kept, self.documents_read, rejected, reasons),
            )

    def _shard_tasks(self, held_out: tuple[Version, ...]) -> Iterator[ShardTask]:
        """The batches, grouped into shards of about SHARD_CHARACTERS."""
        group: list[CleanedBatch] = []
        for number, batch in enumerate(self.batches):
            group.append(batch)
            is_full = (
                sum(sum(batch.characters) for batch in group) >= SHARD_CHARACTERS
                or sum(batch.documents_read for batch in group) >= SHARD_DOCUMENTS
            )
            if is_full or number == len(self.batches) - 1:
                first = number + 1 - len(group)
                yield ShardTask(
                    [batch.file for batch in group],
                    [
                        {id: self.decisions[id] for id in batch.ids if id in self.decisions}
                        for batch in group
                    ],
                    self.name,
                    tuple(rule.name for rule in self.rules),
                    self._documents_file("train", first),
                    self._part("rejected", first),
                    self._part(BALANCE, first),
                    held_out,
                    self.config,
                )
                group = []

    def _part(self, kind: str, number: int) -> Path:
        return self.folder / kind / f"source={self.name}" / f"{number:05d}.parquet"

    def _documents_file(self, split: str, number: int) -> Path:
        folder = self.folder / "documents" / f"source={self.name}" / f"split={split}"
        return folder / f"{number:05d}.parquet"

    def report(self) -> dict[str, Any]:
        """The counts, as a JSON value."""
        return {
            "documents": self.documents_read,
            "characters": sum(batch.characters_read for batch in self.batches),
            "rules": {rule.name: self._rule_report(rule) for rule in self.rules},
            "rejected": dict(self.rejected.most_common()),
            "cut_characters": self.cut_characters,
            "letters": self._letters_report(),
            "splits": {name: asdict(split) for name, split in self.splits.items()},
            "editions": self._editions_report(),
        }

    def _editions_report(self) -> dict[str, Any]:
        """The documents that look like editions, if the source could say so and does not."""
        ids = [id for batch in self.batches for id in batch.editions]
        return {"documents": len(ids) if self.source.rules is None else 0, "examples": ids[:1]}

    def _letters_report(self) -> dict[str, int]:
        """The letters and digits: decoded + added = taken + cut + kept + rejected."""
        losses = [effect.losses for batch in self.batches for effect in batch.rules.values()]
        return {
            "decoded": self.letters["decoded"],
            "added": sum(rule.added for rule in losses),
            "taken": self.letters["rule"],
            **{kind: self.letters[kind] for kind in ("cut", "kept", "rejected")},
            "replaced": self.letters["replaced"],
        }

    def _rule_report(self, rule: Rule) -> dict[str, Any]:
        """What a rule did to the source's documents, with examples from all over the source."""
        effects = [batch.rules[rule.name] for batch in self.batches]
        rounds = zip_longest(*(effect.examples for effect in effects))  # one per batch at a time
        examples = [example for turn in rounds for example in turn if example is not None]
        return {
            "purpose": rule.purpose.partition("\n\n")[0],
            "of_markup": rule.of_markup,
            "documents": sum(effect.documents for effect in effects),
            "characters": sum(effect.characters for effect in effects),
            "examples": examples[:EXAMPLES_PER_RULE],
            **together(effect.losses for effect in effects).report(),
        }
