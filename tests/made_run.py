"""A run with everything around it, as folders of artifacts, in the time of a test."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from femtogpt.artifacts.artifact import Artifact, Recipe, write_manifest
from femtogpt.evaluation.baseline import Baseline, Tally
from femtogpt.report.run_facts import RunFacts, facts_of
from femtogpt.training.machine_record import MACHINE_FILE
from tests.tiny import readable

Line = dict[str, Any]
MACHINE = {
    "step": 0,
    "processor": "Intel(R) Xeon(R) Processor",
    "cores": 2,
    "memory": 8 * 2**30,
    "card": None,
    "processes": 1,
    "precision": "float32",
    "threads": 2,
    "system": "Linux x86_64",
    "versions": {"femtogpt": "0.2.0", "python": "3.11.2", "torch": "2.13.0"},
}
CARD = {"name": "NVIDIA GeForce RTX 2070 SUPER", "memory": 8 * 2**30}
EFFECT = {"documents": 3, "characters": -40, "letters": {"taken": 12, "replaced": 5, "added": 0}}


def course(steps: int, every: int = 1, samples: Sequence[str] = ()) -> list[Line]:
    """The metrics of a training of so many steps, with evaluations and samples now and then."""
    lines: list[Line] = []
    for step in range(0, steps + 1, every):
        now = {"step": step, "tokens": 64 * step, "seconds": 0.5 * step, "time": 1.7e9 + step}
        if step:
            loss = 9 - 4 * step / steps + 0.1 * math.sin(step)
            rates = {"learning_rate/adamw": 0.012, "learning_rate/muon": 0.01}
            lines.append({**now, "train_loss": loss, "gradient_norm": 1.0, **rates})
        if step % max(1, steps // 10) == 0:
            bits = 4 - 2 * step / steps
            evaluated = {"held_out_loss": 2 * bits, "held_out_bits_per_character_estimate": bits}
            lines.append({**now, **evaluated})
    for number, text in enumerate(samples):
        step = number * steps // max(1, len(samples) - 1)
        lines.append(
            {"step": step, "tokens": 64 * step, "seconds": 0.5 * step, "time": 1.7e9 + step}
        )
        lines[-1]["sample"] = text
    return lines


@dataclass
class MadeRun:
    """What a run and its neighbours hold; each part can be replaced, or left out as None."""

    name: str = "классика"
    lines: list[Line] = field(default_factory=lambda: course(50, samples=["Жил-был", "Жила-была"]))
    samples: list[dict[str, str]] | None = field(
        default_factory=lambda: [{"prompt": "Зима", "text": " пришла.\nИ вот"}]
    )
    works: Sequence[str] = ("Архиерей", "Казаки", "Набег", "Степь", "Тоска", "Ашик-Кериб")
    scored: bool = True  # with documents.parquet, as evaluations have it
    baselines: Sequence[str] = ("ngram", "ppmd")
    memory: Mapping[str, Any] | None = None
    machines: Sequence[Mapping[str, Any]] = (MACHINE,)
    settings: Mapping[str, Any] = field(default_factory=dict)  # of train
    given: Sequence[str] | None = ("train.max_steps", "model.width")
    changes: Sequence[str] = ("train.max_steps=50",)
    files: Sequence[str] = ("Чехов/Архиерей.txt",)
    source: str = "books"

    def facts(self, data: Path) -> RunFacts:
        """The facts of the run, made in this folder."""
        raw = self._make(data, "raw", {}, {f"bytes/{file}": "Текст" for file in self.files})
        corpus = self._make(data, "corpus", {self.source: raw}, self._corpus())
        vocabulary = self._make(data, "tokenizer", {"corpus": corpus}, {})
        tokens = data / "tokens" / "shards"
        readable(tokens)
        about = {"corpus": corpus, "tokenizer": vocabulary}
        shards = self._finish(tokens, "tokens", about, {"characters_per_token": 2.5})
        run = self._make(data, "run", {"tokens": shards}, self._run(), {"parameters": 5_260_000})
        self._around(data, corpus, shards, run)
        return facts_of(run.path)

    def _around(self, data: Path, corpus: Artifact, tokens: Artifact, run: Artifact) -> None:
        about = {"tokens": tokens, "run": run}
        if self.works:
            evaluation = {"evaluation.json": json.dumps(self._evaluation())}
            self._make(data, "evaluation", about, evaluation, table=self._documents())
        if self.samples is not None:
            texts = {"samples.json": json.dumps(self.samples, ensure_ascii=True)}
            samples = self._make(data, "samples", about, texts)
            if self.memory is not None:
                found = {"memory.json": json.dumps(self.memory)}
                self._make(data, "memory", {"samples": samples}, found)
        for kind, of in (("ngram", tokens), ("ppmd", corpus)):
            if kind in self.baselines:
                folder = data / kind / kind
                folder.mkdir(parents=True)
                tallies = {self.source: Tally(2200.0, 1000)}
                Baseline.of(kind, {"order": 4}, tallies).write(folder)
                self._finish(folder, kind, {of.kind: of}, {})

    def _make(
        self,
        data: Path,
        kind: str,
        inputs: Mapping[str, Artifact],
        files: Mapping[str, str],
        counts: Mapping[str, Any] | None = None,
        table: pl.DataFrame | None = None,
    ) -> Artifact:
        folder = data / kind / f"{kind}-folder"
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")
        if table is not None:
            table.write_parquet(folder / "documents.parquet")
        return self._finish(folder, kind, inputs, counts or {})

    def _finish(
        self, folder: Path, kind: str, inputs: Mapping[str, Artifact], counts: Mapping[str, Any]
    ) -> Artifact:
        made_for: dict[str, Any] = {"name": self.name, "changes": list(self.changes)}
        if self.given is not None:
            made_for["given"] = list(self.given)
        config = {"vocab_size": 310} if kind == "tokenizer" else {}
        recipe = Recipe(kind, {}, config, inputs)
        description = {**recipe.description, "stage": kind, "configuration": made_for}
        write_manifest(folder, description, counts, 12.5)
        return Artifact.load(folder)

    def _corpus(self) -> dict[str, str]:
        splits = {
            "train": {"documents": 60, "characters": 950_000},
            "held_out": {"documents": 6, "characters": 50_000},
        }
        letters = dict.fromkeys(("decoded", "added", "taken", "cut", "kept", "rejected"), 12)
        source = {
            "documents": 68,
            "characters": 1_010_000,
            "rules": {"dashes": EFFECT},
            "rejected": {"min_characters": 2},
            "letters": {**letters, "replaced": 3},
            "splits": splits,
        }
        proof = {"proved": True, "length": 200, "longest": None}
        return {"report.json": json.dumps({self.source: source}), "proof.json": json.dumps(proof)}

    def _run(self) -> dict[str, str]:
        model = {"size": None, "layers": 4, "width": 256, "heads": 4, "context": 256}
        train = {
            "max_steps": 50,
            "epochs": 0.4,
            "batch_size": 8,
            "weight_decay": 0.25,
            "hours": None,
        }
        settings = {"model": model, "train": {**train, **self.settings}, "seed": 0}
        return {
            "metrics.jsonl": "".join(json.dumps(line) + "\n" for line in self.lines),
            "settings.json": json.dumps(settings),
            MACHINE_FILE: json.dumps(list(self.machines)),
            "model.safetensors": "weights",
        }

    def _evaluation(self) -> dict[str, Any]:
        score = {"bits_per_character": 2.0, "loss": 4.0, "entropy": None, "tokens": 500}
        whole = {**score, "documents": len(self.works), "characters": 100 * len(self.works)}
        documents = [
            {**score, "source": self.source, "id": work, "documents": 1, "characters": 100 + n}
            for n, work in enumerate(self.works)
        ]
        held_out = {**whole, "sources": {self.source: whole}}
        train = {"loss": 3.9, "bits_per_character_estimate": 1.9}
        return {"held_out": held_out, "train": train, "documents": documents}

    def _documents(self) -> pl.DataFrame | None:
        """A table as the evaluation keeps it: a row for each held-out document."""
        if not self.scored:
            return None
        return pl.DataFrame(
            {
                "source": self.source,
                "id": list(self.works),
                "work": list(self.works),
                "author": [
                    ("Чехов", "Толстой", "Лермонтов")[n % 3] for n in range(len(self.works))
                ],
                "title": list(self.works),
                "kind": [("prose", "verse")[n % 2] for n in range(len(self.works))],
                "characters": [100 + n for n in range(len(self.works))],
                "tokens": 50,
                "bits": [2.0 * (100 + n) + (-1) ** n for n in range(len(self.works))],
            }
        )
