"""A baseline's artifact: the held-out figures of a simple model of the same text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from femtogpt.artifacts.artifact import Artifact
from femtogpt.config import Config

BASELINE_FILE = "baseline.json"
NGRAM, PPMD = "ngram", "ppmd"  # the kinds of their artifacts
BASELINES = (NGRAM, PPMD)


def wanted(config: Config) -> list[str]:
    """The kinds of the baselines that a configuration asks for."""
    return [kind for kind in BASELINES if getattr(config.baselines, kind)]


@dataclass
class Tally:
    """The code length of some held-out documents, as ``femtogpt.model.score`` counts it."""

    bits: float = 0.0
    characters: int = 0
    tokens: int = 0  # ends of documents included; 0 for a model without the tokenizer's pieces

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.bits + other.bits,
            self.characters + other.characters,
            self.tokens + other.tokens,
        )

    @property
    def bits_per_character(self) -> float:
        return self.bits / self.characters


@dataclass(frozen=True)
class Baseline:
    """The held-out figures of a baseline."""

    title: str  # as a person reads it: n-gram (order 4)
    settings: Mapping[str, Any]
    bits_per_character: float
    loss: float | None  # nats per token; None without the tokenizer's pieces
    sources: Mapping[str, float]  # bits per character

    @classmethod
    def of(cls, title: str, settings: Mapping[str, Any], tallies: Mapping[str, Tally]) -> Baseline:
        """The figures of the held-out documents of each source."""
        whole = sum(tallies.values(), Tally())
        return cls(
            title,
            settings,
            whole.bits_per_character,
            whole.bits * math.log(2) / whole.tokens if whole.tokens else None,
            {source: tally.bits_per_character for source, tally in tallies.items()},
        )

    def write(self, folder: Path) -> None:
        """Write ``baseline.json``."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1)
        (folder / BASELINE_FILE).write_text(text, encoding="utf-8")

    @property
    def counts(self) -> dict[str, Any]:
        """The figures for the manifest and for MLflow."""
        figures = {"bits_per_character": self.bits_per_character, "loss": self.loss}
        return {name: value for name, value in figures.items() if value is not None}


def baselines_of(artifacts: Mapping[str, Artifact]) -> dict[str, Baseline]:
    """The baselines among the artifacts of a pipeline, by kind."""
    return {
        kind: Baseline(**json.loads((artifacts[kind].path / BASELINE_FILE).read_text("utf-8")))
        for kind in BASELINES
        if kind in artifacts
    }
