"""The scores of single documents: a table with a row for each, in ``documents.parquet``.

Two tables of the same documents are enough to compare two models (``intervals``), whatever their
tokenizers.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from femtogpt.artifacts.artifact import Artifact
from femtogpt.corpus.chapters import work_of
from femtogpt.corpus.schema import parts, read, write
from femtogpt.evaluation.text_kinds import kind_of

DOCUMENTS_FILE = "documents.parquet"
NAME = ["source", "id"]  # of a document; the id is unique within the source
ABOUT = pl.Schema(
    {
        "source": pl.String,
        "id": pl.String,
        "work": pl.String,  # the id of the work that the document is, or is a part of
        "author": pl.String,
        "title": pl.String,
        "kind": pl.String,  # see text_kinds
        "characters": pl.Int64,  # Unicode code points
    }
)
COUNTS = pl.Schema(
    {
        "tokens": pl.Int64,  # the end of the document included; 0 for a model without a tokenizer
        "bits": pl.Float64,
    }
)
SCORES = pl.Schema([*ABOUT.items(), *COUNTS.items()])
TEXTS = pl.Schema([*ABOUT.items(), ("text", pl.String())])
Row = tuple[str, str, int, float]  # source, id, tokens, bits


def held_out_texts(corpus: Artifact) -> pl.DataFrame:
    """The held-out documents of a corpus with their texts (TEXTS), in the order of the shards."""
    settings = corpus.manifest["config"]
    frames = []
    for source, file in parts(corpus, "held_out"):
        kind = settings["sources"][source]["kind"]
        frame = read(file, ["id", "author", "title", "characters", "text"]).with_columns(
            pl.lit(source).alias("source")
        )
        works = [work_of(id, settings) for id in frame["id"]]
        frames.append(described(frame.with_columns(pl.Series("work", works, pl.String)), kind))
    return pl.concat(frames)


def described(documents: pl.DataFrame, source_kind: str = "") -> pl.DataFrame:
    """Documents with their texts as TEXTS, each with its kind."""
    kinds = [kind_of(text, source_kind) for text in documents["text"]]
    return documents.with_columns(pl.Series("kind", kinds, pl.String)).select(*TEXTS).cast(TEXTS)


def counts(rows: Iterable[Row]) -> pl.DataFrame:
    """Rows as a table: what a baseline keeps, which does not know more of a document."""
    schema = {name: SCORES[name] for name in (*NAME, *COUNTS)}
    return pl.DataFrame(list(rows), schema, orient="row")


def table(about: pl.DataFrame, counted: pl.DataFrame) -> pl.DataFrame:
    """The scores (SCORES) of the documents (ABOUT) that are ``counted``, in ``about``'s order."""
    columns = counted.select(*NAME, *COUNTS)
    return about.select(*ABOUT).join(columns, NAME, maintain_order="left")


def write_scores(scores: pl.DataFrame, folder: Path) -> None:
    """Write ``documents.parquet``."""
    write(scores, folder / DOCUMENTS_FILE)


def scores_of(artifact: Artifact) -> pl.DataFrame | None:
    """The scores that an evaluation or a baseline has kept; None if an older version made it."""
    file = artifact.path / DOCUMENTS_FILE
    return read(file) if file.is_file() else None
