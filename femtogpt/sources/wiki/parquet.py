"""Extracts of Wikipedia in Parquet, a few rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow
from pyarrow import parquet

from femtogpt.errors import UserError
from femtogpt.sources.base import Document
from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.wiki.article import Choice
from femtogpt.sources.wiki.extracts import article_in

ROWS = 500  # read at once
COLUMNS = ["id", "url", "title", "text"]
STRUCTURED = ["name", "identifier", "sections"]  # of Wikimedia's structured articles
OPTIONAL = ["url", "license"]  # of them


def from_parquet(stream: BinaryIO, name: str, choice: Choice) -> Iterator[Document]:
    """The articles in a Parquet file.

    UserError where it has other columns, Unreadable where it is damaged.
    """
    try:
        file = parquet.ParquetFile(stream)
        names = file.schema_arrow.names
        columns = STRUCTURED if set(STRUCTURED) <= set(names) else COLUMNS
        if missing := [column for column in columns if column not in names]:
            raise UserError(
                f"{name} has no column {missing[0]!r}: give extracts of Wikipedia with"
                " id, url, title and text, as wikimedia/wikipedia of Hugging Face has them"
            )
        if columns is STRUCTURED:
            columns = STRUCTURED + [name for name in OPTIONAL if name in names]
        for batch in file.iter_batches(ROWS, columns=columns):
            for row in batch.to_pylist():
                if document := article_in(row, choice):
                    yield document
    except (pyarrow.ArrowException, OSError) as error:
        raise Unreadable(f"it is damaged: {str(error).splitlines()[0]}") from error
