"""Books, pages and tables of texts: a document for each file, or for each row of a table."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from femtogpt.sources.formats import any_text, any_xml, epub, fb2, html, text_tables
from femtogpt.sources.reader import Format, Reader

TABLES: dict[str, Format] = {
    ".csv": text_tables.read_csv,
    ".tsv": text_tables.read_csv,
    ".jsonl": text_tables.read_json_lines,
    ".ndjson": text_tables.read_json_lines,
    ".json": text_tables.read_json,
    ".parquet": text_tables.read_parquet,
}


class Texts(Reader):
    """The base of the kinds that read texts."""

    formats: ClassVar[dict[str, Format]] = {
        ".txt": any_text.read,
        ".fb2": fb2.read,
        ".epub": epub.read,
        ".xml": any_xml.read,
        ".tei": any_xml.read,
        **dict.fromkeys(html.SUFFIXES, html.read),
        **TABLES,
    }
    tables: ClassVar[frozenset[str]] = frozenset(TABLES)
    text_column: str = Field("text", description="in tables: the column that holds the texts")
    columns: dict[Literal["id", "title", "author", "year", "url", "licence"], str] = Field(
        {}, description="in tables: metadata field to column; default: the column of that name"
    )


class Files(Texts):
    """Texts in a file, a folder or an archive on this machine."""

    kind: Literal["files"] = "files"


class Kaggle(Texts):
    """Texts in a dataset on Kaggle."""

    kind: Literal["kaggle"] = "kaggle"
