"""The corpus stage: the documents of all sources cleaned, filtered, split and written as Parquet.

Processes share the cleaning and the writing. In between, this process decides in a fixed order
which documents are duplicates and which are held out.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.store import Store
from femtogpt.config import Config, CorpusConfig
from femtogpt.corpus.corpus_warnings import warnings
from femtogpt.corpus.dedup import EMPTY_TEXT, near_duplicates
from femtogpt.corpus.exchange import working_folder
from femtogpt.corpus.rules import Rule, rules_of
from femtogpt.corpus.schema import PROOF, REPORT, SPLITS, Version, texts, versions
from femtogpt.corpus.source_corpus import SourceCorpus
from femtogpt.corpus.split_proof import Comparison, HeldOutTexts, combine, compare
from femtogpt.errors import UserError
from femtogpt.parallel import Map, processes
from femtogpt.sources.base import Source
from femtogpt.sources.fetch import BYTES

PROOF_SHARES = 4  # train is proved in shares; a fixed number, so that the proof is always the same
log = logging.getLogger(__name__)


def build_corpus(store: Store, config: Config, raws: Mapping[str, Artifact]) -> Artifact:
    """Make the corpus of all sources; ``raws`` are their raw artifacts by source name.

    Of equal documents the first is kept, with the sources in the configuration's order, so adding a
    source at the end changes no other. Raises UserError for an unknown rule, and if a source or a
    split ends up empty.
    """
    ingredients = recipe(config, raws)
    rules = _rules(config)

    def build(folder: Path) -> dict[str, Any]:
        with working_folder(folder, config.cluster.exchange, ingredients.digest) as work:
            corpora = [
                SourceCorpus(name, source, rules[name], config.corpus, work)
                for name, source in _sources(config).items()
            ]
            proof = _write(corpora, raws, config.corpus, work)
        report = {corpus.name: corpus.report() for corpus in corpora}
        _save(folder / PROOF, proof)
        _save(folder / REPORT, report)
        for line in warnings(report, config.corpus.model_dump()):
            log.warning("%s", line)
        return _summary(report)

    return store.make(ingredients, build)


def recipe(config: Config, raws: Mapping[str, Artifact]) -> Recipe:
    """What determines the corpus. Raises UserError for an unknown rule."""
    sources = _sources(config)
    rules = {name: [rule.name for rule in rules] for name, rules in _rules(config).items()}
    return Recipe(
        "corpus",
        # the classes of the sources are found by entry points, not by imports
        code_of(__name__, *(type(source).__module__ for source in sources.values())),
        {
            "sources": {name: source.reading() for name, source in sources.items()},
            "rules": rules,
            "order": list(sources),
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


def _sources(config: Config) -> dict[str, Source]:
    return cast("dict[str, Source]", config.sources)


def _rules(config: Config) -> dict[str, list[Rule]]:
    """The cleaning rules of each source, by its name."""
    return {name: rules_of(source) for name, source in config.sources.items()}


def _write(
    corpora: list[SourceCorpus], raws: Mapping[str, Artifact], config: CorpusConfig, folder: Path
) -> dict[str, Any]:
    """Write the documents of all sources below ``folder`` and return the proof of the split."""
    with processes() as spread:
        for corpus in corpora:
            corpus.clean(raws[corpus.name].path / BYTES, spread)
        _reject_duplicates(corpora, config.near_duplicates)
        for corpus in corpora:
            corpus.split()
        held_out = versions(sorted(folder.glob("documents/source=*/split=held_out/*.parquet")))
        if not held_out:
            raise UserError(
                "the corpus has a single document, but whole works are held out: hold out chapters"
                " with corpus.unit=chapter, cut it into several files, or add a source"
            )
        for corpus in corpora:
            corpus.write_train(held_out, spread)
        train = sorted(folder.glob("documents/source=*/split=train/*.parquet"))
        if not train:
            raise UserError(
                "there is nothing to train on: all other text repeats what is held out;"
                " add other texts"
            )
        return _prove(held_out, train, config.shared_characters, spread)


def _reject_duplicates(corpora: list[SourceCorpus], threshold: float) -> None:
    """Reject each document that repeats an earlier one, and name that one as the figure."""
    documents = [(corpus, id) for corpus in corpora for batch in corpus.batches for id in batch.ids]
    batches = [batch for corpus in corpora for batch in corpus.batches]
    fingerprints = (fingerprint for batch in batches for fingerprint in batch.fingerprints)
    first: dict[bytes, str] = {}
    duplicate = np.zeros(len(documents), dtype=bool)
    for number, ((corpus, id), fingerprint) in enumerate(zip(documents, fingerprints, strict=True)):
        name = f"{corpus.name}/{id}"
        original = first.setdefault(fingerprint, name)
        if original != name:
            corpus.reject(id, "duplicate", original)
            duplicate[number] = True
    if threshold >= 1:
        return
    signatures = np.concatenate([batch.signatures for batch in batches])
    signatures[duplicate] = EMPTY_TEXT  # similar to none
    for batch in batches:
        batch.signatures = signatures[:0]  # they are large and no longer needed
    for number, original_number, similarity in near_duplicates(signatures, threshold):
        corpus, id = documents[number]
        original_corpus, original_id = documents[original_number]
        figure = f"{similarity:.2f} {original_corpus.name}/{original_id}"
        corpus.reject(id, "near_duplicate", figure)


def _prove(
    held_out: tuple[Version, ...], train: list[Path], length: int, spread: Map
) -> dict[str, Any]:
    """Read the files again and prove that no held-out text is in train."""
    shares = [train[number::PROOF_SHARES] for number in range(min(PROOF_SHARES, len(train)))]
    tasks = [(held_out, share, length) for share in shares]
    proof = combine(list(spread(_compare, tasks)))
    _held_out_texts.cache_clear()
    if not proof["proved"]:
        raise RuntimeError(f"held-out text is in train: {proof}")
    return proof


def _compare(task: tuple[tuple[Version, ...], list[Path], int]) -> Comparison:
    held_out, train, length = task
    return compare(_held_out_texts(held_out, length), texts(train))


@lru_cache(1)
def _held_out_texts(held_out: tuple[Version, ...], length: int) -> HeldOutTexts:
    """The held-out texts with their index, made once in each process."""
    return HeldOutTexts(texts(version.file for version in held_out), length)


def _save(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")


def _summary(report: Mapping[str, Any]) -> dict[str, Any]:
    """The counts of the whole corpus, for the manifest."""
    sources = report.values()
    letters = Counter[str]()
    for source in sources:
        letters.update(source["letters"])
    return {
        "documents_read": sum(source["documents"] for source in sources),
        "characters_read": sum(source["characters"] for source in sources),
        "documents_rejected": sum(sum(source["rejected"].values()) for source in sources),
        "characters_cut": sum(source["cut_characters"] for source in sources),
        **{
            f"{split}_{unit}": sum(source["splits"][split][unit] for source in sources)
            for split in SPLITS
            for unit in ("documents", "characters")
        },
        **{f"letters_{what}": number for what, number in letters.items()},
    }
