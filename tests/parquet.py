"""Corpora written by hand: the files that the corpus stage leaves, without its decisions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.store import Store
from femtogpt.corpus.schema import REPORT, SCHEMA, SPLITS, write
from femtogpt.sources.base import Document

Documents = Sequence[Document] | Mapping[str, str]  # or texts by id
PART = 20  # documents in a file


def corpus(store: Store, sources: Mapping[str, Mapping[str, Documents]]) -> Artifact:
    """The corpus of these documents: source to split to documents."""
    chosen = {
        name: {split: _listed(splits.get(split, {})) for split in SPLITS}
        for name, splits in sources.items()
    }
    config = {"sources": {name: {} for name in sources}, "documents": repr(chosen)}

    def build(folder: Path) -> dict:
        report, counts = {}, {}
        for name, splits in chosen.items():
            report[name] = {"splits": {}}
            for split, documents in splits.items():
                for start in range(0, len(documents), PART):
                    path = f"documents/source={name}/split={split}/{start:05d}.parquet"
                    write(_frame(documents[start : start + PART]), folder / path)
                size = {
                    "documents": len(documents),
                    "characters": sum(len(document.text) for document in documents),
                }
                report[name]["splits"][split] = size
                for what, number in size.items():
                    counts[f"{split}_{what}"] = counts.get(f"{split}_{what}", 0) + number
        (folder / REPORT).write_text(json.dumps(report))
        return counts

    return store.make(Recipe("corpus", {"stage": "0"}, config), build)


def _listed(documents: Documents) -> list[Document]:
    if isinstance(documents, Mapping):
        return [Document(id=name, text=text) for name, text in documents.items()]
    return list(documents)


def _frame(documents: Sequence[Document]) -> pl.DataFrame:
    rows = [
        {name: getattr(document, name, len(document.text)) for name in SCHEMA}
        for document in documents
    ]
    return pl.DataFrame(rows, schema=SCHEMA)
