"""Held-out figures of the whole text and of its parts, each beside the baselines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from femtogpt.evaluation.baseline import Baseline
from femtogpt.evaluation.document_scores import NAME, scores_of
from femtogpt.evaluation.intervals import Difference, figure, paired_difference
from femtogpt.report.run_facts import RunFacts
from femtogpt.report.wording import Wording

LEVELS = {"source": ["source"], "kind": ["kind"], "author": ["author"], "work": ["source", "work"]}


@dataclass(frozen=True)
class QualityPart:
    """Some held-out documents, and what the model makes of them."""

    level: str  # all, or one of LEVELS
    name: str  # empty for all
    bits: float  # per character
    half_width: float | None  # of the 95 % interval; None below five works
    works: int
    characters: int
    baselines: Mapping[str, float]  # bits per character, by kind


def baseline_title(kind: str, baseline: Baseline, words: Wording) -> str:
    """What a baseline is called."""
    order = baseline.settings.get("order")
    return baseline.title if order is None else words(f"baseline_{kind}", order=order)


@dataclass(frozen=True)
class QualityLevel:
    """The largest parts of one level, and how many there are in all."""

    level: str
    parts: list[QualityPart]
    total: int


def whole_part(facts: RunFacts) -> QualityPart | None:
    """All held-out text; None without an evaluation."""
    if facts.evaluation is None:
        return None
    scores, known = _scores(facts), _whole(facts)
    if scores is None:
        return _scored("all", "", facts.evaluation["held_out"], known)
    return _part("all", "", scores, known)


def differences(facts: RunFacts) -> dict[str, Difference]:
    """The model less each baseline on the same documents, where both were scored one by one."""
    scores = _scores(facts) if facts.evaluation is not None else None
    if scores is None:
        return {}
    return {
        kind: paired_difference(scores.with_columns(bits=pl.col(kind)), scores)
        for kind in facts.baselines
        if kind in scores.columns and not scores[kind].has_nulls()
    }


def quality_levels(facts: RunFacts, most: Mapping[str, int]) -> Iterator[QualityLevel]:
    """The levels that have several parts, each with at most so many of them, the largest first."""
    if facts.evaluation is None:
        return
    scores = _scores(facts)
    for level, key in LEVELS.items():
        found = (
            _of_evaluation(level, facts, most[level])
            if scores is None
            else _of_documents(level, key, scores, facts, most[level])
        )
        if found.total > 1:
            yield found


def _scores(facts: RunFacts) -> pl.DataFrame | None:
    """The bits of each held-out document, also by the baselines; None from an older version."""
    scores = scores_of(facts.artifacts["evaluation"])
    if scores is None:
        return None
    for kind in facts.baselines:
        bits = scores_of(facts.artifacts[kind])
        if bits is not None:
            columns = bits.select(*NAME, pl.col("bits").alias(kind))
            scores = scores.join(columns, NAME, "left", maintain_order="left")
    return scores


def _of_documents(
    level: str, key: list[str], scores: pl.DataFrame, facts: RunFacts, most: int
) -> QualityLevel:
    sizes = scores.drop_nulls(key).group_by(key).agg(pl.col("characters").sum())
    order = ["characters", *key]
    largest = sizes.sort(order, descending=[name == "characters" for name in order])
    parts = []
    for values in largest.select(key).head(most).iter_rows():
        of_it = (pl.col(name) == value for name, value in zip(key, values, strict=True))
        group = scores.filter(pl.all_horizontal(*of_it))
        known = _of_source(facts, values[0]) if level == "source" else {}
        name = _title(group) if level == "work" else values[-1]
        parts.append(_part(level, name, group, known))
    return QualityLevel(level, parts, largest.height)


def _title(work: pl.DataFrame) -> str:
    author, title, id = work.select("author", "title", "work").row(0)
    return f"{author}. {title or id}" if author else title or id


def _part(level: str, name: str, scores: pl.DataFrame, known: Mapping[str, float]) -> QualityPart:
    """The figures of some documents; ``known`` are those that the baselines have themselves."""
    own = figure(scores)
    counted = {
        kind: float(scores[kind].sum()) / own.characters
        for kind in scores.columns[scores.columns.index("bits") + 1 :]
        if not scores[kind].has_nulls()  # of documents that were scored together
    }
    return QualityPart(
        level,
        name,
        own.bits_per_character,
        own.half_width,
        own.works,
        own.characters,
        {**counted, **known},
    )


def _of_evaluation(level: str, facts: RunFacts, most: int) -> QualityLevel:
    """The same without authors and titles, by the ids in ``evaluation.json``."""
    evaluation: Mapping[str, Any] = facts.evaluation or {}
    found = {
        "source": [*evaluation["held_out"].get("sources", {}).items()],
        "work": [(entry["id"], entry) for entry in evaluation.get("documents", ())],
    }.get(level, [])
    largest = sorted(found, key=lambda part: -part[1]["characters"])
    parts = [
        _scored(level, name, score, _of_source(facts, name) if level == "source" else {})
        for name, score in largest[:most]
    ]
    return QualityLevel(level, parts, len(found))


def _scored(
    level: str, name: str, score: Mapping[str, Any], baselines: Mapping[str, float]
) -> QualityPart:
    bits, characters = score["bits_per_character"], score["characters"]
    return QualityPart(level, name, bits, None, score.get("documents", 1), characters, baselines)


def _whole(facts: RunFacts) -> dict[str, float]:
    return {kind: each.bits_per_character for kind, each in facts.baselines.items()}


def _of_source(facts: RunFacts, source: str) -> dict[str, float]:
    known = {kind: each.sources.get(source) for kind, each in facts.baselines.items()}
    return {kind: bits for kind, bits in known.items() if bits is not None}
