"""The corpus stage: documents of all sources, cleaned, checked, split and proved, as Parquet.

Cleaning and writing are spread over processes; between them it is decided, here and in one
order, which documents are duplicates and which are held out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.store import Store
from femtogpt.config import Config, CorpusConfig
from femtogpt.corpus.dedup import NOTHING, near_duplicates
from femtogpt.corpus.exchange import exchanged
from femtogpt.corpus.part import Part
from femtogpt.corpus.rules import STANDARD, Rule, chosen
from femtogpt.corpus.schema import PROOF, REPORT, SPLITS, Version, read, versions
from femtogpt.corpus.split_proof import Findings, HeldOut, concluded, examine
from femtogpt.errors import UserError
from femtogpt.parallel import Map, processes
from femtogpt.sources.fetch import BYTES

SHARES = 4  # of train that are proved apart: not as many as there are processes, which would show


def build_corpus(store: Store, config: Config, raws: Mapping[str, Artifact]) -> Artifact:
    """The corpus of all sources; ``raws`` are their raw artifacts by source name.

    Of documents that are the same, the first is kept, sources in the order of the configuration:
    one that is added at the end changes nothing of the others. Raises UserError for an unknown
    rule, and where a source or a split comes out empty.
    """
    ingredients = recipe(config, raws)
    rules = _rules(config)

    def build(folder: Path) -> dict:
        with exchanged(folder, config.cluster.exchange, ingredients.digest) as place:
            parts = [
                Part(name, source, rules[name], config.corpus, place)
                for name, source in config.sources.items()
            ]
            proof = _write(parts, raws, config.corpus, place)
        report = {part.name: part.report() for part in parts}
        _save(folder / PROOF, proof)
        _save(folder / REPORT, report)
        return _summary(report)

    return store.make(ingredients, build)


def recipe(config: Config, raws: Mapping[str, Artifact]) -> Recipe:
    """What determines the corpus. Raises UserError for an unknown rule."""
    readers = [type(source).__module__ for source in config.sources.values()]
    return Recipe(
        "corpus",
        code_of(__name__, *readers),  # the sources' classes are found by entry points
        {
            "sources": {name: source.reading() for name, source in config.sources.items()},
            "rules": {
                name: [rule.name for rule in rules] for name, rules in _rules(config).items()
            },
            "order": list(config.sources),
            **config.corpus.model_dump(mode="json"),
        },
        raws,
        names={
            "": "corpus",
            "sources": "sources",
            "rules": "sources.*.rules",
            "order": "=the order of the sources",
        },
    )


def _rules(config: Config) -> dict[str, list[Rule]]:
    """The cleaning rules of each source, by its name."""
    return {
        name: chosen(STANDARD if source.rules is None else source.rules)
        for name, source in config.sources.items()
    }


def _write(
    parts: list[Part], raws: Mapping[str, Artifact], config: CorpusConfig, place: Path
) -> dict:
    """Have the parts written in a place; gives the proof."""
    with processes() as spread:
        for part in parts:
            part.clean(raws[part.name].path / BYTES, spread)
        _reject_duplicates(parts, config.near_duplicates)
        for part in parts:
            part.split()
        held_out = versions(sorted(place.glob("documents/source=*/split=held_out/*.parquet")))
        if not held_out:
            raise UserError(
                "the corpus has a single document, and whole works are held out: "
                "cut it into several files (chapters, say), or add a source"
            )
        for part in parts:
            part.place(held_out, spread)
        train = sorted(place.glob("documents/source=*/split=train/*.parquet"))
        if not train:
            raise UserError(
                "nothing is left to train on: all that is not held out repeats what is;"
                " add other texts"
            )
        return _proof(held_out, train, config.shared_characters, spread)


def _reject_duplicates(parts: list[Part], threshold: float) -> None:
    """Reject what an earlier document says already, with that document named."""
    documents = [(part, name) for part in parts for batch in part.batches for name in batch.ids]
    batches = [batch for part in parts for batch in part.batches]
    prints = (mark for batch in batches for mark in batch.fingerprints)
    first: dict[bytes, str] = {}
    same = np.zeros(len(documents), dtype=bool)
    for number, ((part, name), mark) in enumerate(zip(documents, prints, strict=True)):
        place = first.setdefault(mark, f"{part.name}/{name}")
        if place != f"{part.name}/{name}":
            part.reject(name, "duplicate", place)
            same[number] = True
    if threshold >= 1:
        return
    signatures = np.concatenate([batch.signatures for batch in batches])
    signatures[same] = NOTHING  # similar to none
    for batch in batches:
        batch.signatures = signatures[:0]  # they are large, and no longer needed
    for one, other, similarity in near_duplicates(signatures, threshold):
        part, name = documents[one]
        kept, earlier = documents[other]
        part.reject(name, "near_duplicate", f"{similarity:.2f} {kept.name}/{earlier}")


def _proof(held_out: tuple[Version, ...], train: list[Path], length: int, spread: Map) -> dict:
    """Read what was written once more, and see that nothing held out stands in train."""
    shares = [train[number::SHARES] for number in range(min(SHARES, len(train)))]
    tasks = [(held_out, share, length) for share in shares]
    proof = concluded(list(spread(_examine, tasks)))
    _held_out.cache_clear()
    if not proof["proved"]:
        raise RuntimeError(f"held-out text stands in train: {proof}")
    return proof


def _examine(task: tuple[tuple[Version, ...], list[Path], int]) -> Findings:
    held, train, length = task
    return examine(_held_out(held, length), _texts(train))


@lru_cache(1)
def _held_out(held: tuple[Version, ...], length: int) -> HeldOut:
    """Made once in each process."""
    return HeldOut(_texts(version.file for version in held), length)


def _texts(files: Iterable[Path]) -> Iterator[tuple[str, str]]:
    for file in files:
        source = file.parent.parent.name.removeprefix("source=")
        for name, text in read(file, ["id", "text"]).iter_rows():
            yield f"{source}/{name}", text


def _save(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")


def _summary(report: Mapping[str, Any]) -> dict:
    """The counts of the whole corpus, for the manifest."""

    def total(split: str, what: str) -> int:
        return sum(part["splits"][split][what] for part in report.values())

    return {
        "documents_read": sum(part["documents"] for part in report.values()),
        "characters_read": sum(part["characters"] for part in report.values()),
        "documents_rejected": sum(sum(part["rejected"].values()) for part in report.values()),
        "characters_cut": sum(part["cut_characters"] for part in report.values()),
        **{
            f"{split}_{what}": total(split, what)
            for split in SPLITS
            for what in ("documents", "characters")
        },
    }
