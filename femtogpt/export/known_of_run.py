"""What is known of a run beside its weights: the texts, the figures, how it writes.

It stands in the manifests of the artifacts that the run was made from, and that were made from it.
A folder without a manifest has none of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.lookup import made_from
from femtogpt.config import SamplesConfig
from femtogpt.errors import UserError
from femtogpt.evaluation.around_run import around
from femtogpt.evaluation.baseline import Baseline, baselines_of
from femtogpt.evaluation.evaluate import EVALUATION_FILE
from femtogpt.memorisation import index_stage
from femtogpt.model.files import SETTINGS_FILE

PRIVATE = frozenset({"interviews"})  # kinds of source: conversations of people, chats among them
NAMED = 6  # digits of a digest in a name


@dataclass(frozen=True)
class SourceFacts:
    """A source's part in the train split of a corpus."""

    name: str
    kind: str
    works: int
    characters: int
    url: str | None
    licence: str | None

    @property
    def is_private(self) -> bool:
        """Whether its texts are people's conversations, which may not be meant for others."""
        return self.kind in PRIVATE


@dataclass(frozen=True)
class RunFacts:
    """What is known of a run; by default nothing."""

    name: str  # its configuration and the beginning of its digest, or its folder's name
    sources: tuple[SourceFacts, ...] = ()
    knows_all_texts: bool = False  # also those of the models that it started from or learned from
    tokens: int | None = None  # of the train split
    tokens_seen: int | None = None  # in training
    steps: int | None = None
    held_out: dict[str, Any] | None = None  # the figures of its evaluation
    baselines: tuple[Baseline, ...] = ()
    samples: SamplesConfig = field(default_factory=SamplesConfig)
    seed: int = 0  # of the first sample
    text_index: Path | None = None  # of the train split

    @property
    def private(self) -> list[str]:
        """The names of the sources that hold conversations."""
        return [source.name for source in self.sources if source.is_private]


def facts_of(run: Path) -> RunFacts:
    """What the artifacts around a run's folder say of it."""
    known = around(run)
    if not known:
        return RunFacts(run.resolve().name)
    artifact, tokens, corpus = known["run"], known.get("tokens"), known.get("corpus")
    origins = [corpus, *(_corpus_at(path) for path in _origins(run))]
    corpora = [one for one in reversed(origins) if one]  # of one name, its own source counts
    sources = {source.name: source for one in corpora for source in _sources(one)}
    samples, seed = _samples(known.get("samples"))
    index = known.get(index_stage.KIND)
    return RunFacts(
        name=_name(artifact),
        sources=tuple(sources.values()),
        knows_all_texts=None not in origins,
        tokens=tokens.counts.get("train_tokens") if tokens else None,
        tokens_seen=artifact.counts.get("tokens"),
        steps=artifact.counts.get("steps"),
        held_out=_held_out(known.get("evaluation")),
        baselines=tuple(baselines_of(known).values()),
        samples=samples,
        seed=seed,
        text_index=index.path if index else None,
    )


def _name(run: Artifact) -> str:
    configuration = (run.manifest.get("configuration") or {}).get("name") or run.kind
    return f"{configuration}-{run.digest[:NAMED]}"


def _origins(run: Path) -> Iterator[Path]:
    """The folders of the weights that a run started from, and of its teacher."""
    settings = json.loads((run / SETTINGS_FILE).read_bytes())
    for origin in (*settings.get("lineage", ()), settings.get("teacher")):
        if origin:
            yield Path(origin["path"])


def _corpus_at(origin: Path) -> Artifact | None:
    """The corpus of a model that a person named by its run, a checkpoint or a file of weights."""
    for folder in (origin, *origin.parents):
        if known := around(folder):
            return known.get("corpus")
    return None


def _sources(corpus: Artifact) -> Iterator[SourceFacts]:
    from femtogpt.corpus.schema import REPORT

    report = json.loads((corpus.path / REPORT).read_text(encoding="utf-8"))
    data = corpus.path.resolve().parents[1]
    for name, settings in corpus.manifest["config"]["sources"].items():
        provenance: dict[str, Any] = {}
        with suppress(UserError, KeyError):
            provenance = made_from(corpus, name, data, "raw").counts["provenance"]
        train = report[name]["splits"]["train"]
        yield SourceFacts(
            name,
            settings["kind"],
            train["documents"],
            train["characters"],
            provenance.get("url"),
            provenance.get("licence") or _licence(corpus, name),
        )


def _licence(corpus: Artifact, source: str) -> str | None:
    """What the documents of a source say of their licences."""
    import polars as pl

    from femtogpt.corpus.schema import parts

    files = [file for name, file in parts(corpus, "train") if name == source]
    licences = {
        licence
        for file in files
        for licence in pl.read_parquet(file, columns=["licence"])["licence"].drop_nulls().unique()
    }
    return ", ".join(sorted(licences)) or None


def _held_out(evaluation: Artifact | None) -> dict[str, Any] | None:
    if evaluation is None:
        return None
    figures: dict[str, Any] = json.loads((evaluation.path / EVALUATION_FILE).read_text("utf-8"))
    return figures["held_out"]


def _samples(samples: Artifact | None) -> tuple[SamplesConfig, int]:
    """How a pipeline had the model write."""
    if samples is None:
        return SamplesConfig(), 0
    settings = samples.manifest["config"]
    known = {name: settings[name] for name in SamplesConfig.model_fields if name in settings}
    return SamplesConfig.model_validate(known), settings["seed"]
