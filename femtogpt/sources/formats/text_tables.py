"""Tables of texts: a row of CSV or Parquet, or an object of JSON, is a document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from femtogpt.sources.archives import Member
from femtogpt.sources.base import Document
from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.encodings import decode
from femtogpt.sources.formats.columns import Columns, columns_of
from femtogpt.sources.formats.csv_rows import CsvTable
from femtogpt.sources.formats.json_rows import parsed, parsed_lines
from femtogpt.sources.formats.line_stream import opened
from femtogpt.sources.formats.parquet_rows import parquet_rows
from femtogpt.sources.formats.text import decoded

if TYPE_CHECKING:
    from femtogpt.sources.texts import Texts

NO_ROWS = "it has no rows"


def read_csv(file: Member, settings: Texts) -> Iterator[Document]:
    """Read CSV and TSV in bounded memory."""
    with opened(file) as stream:
        table = CsvTable(stream)
        columns = columns_of(table.header, settings)
        width, number = len(table.header), 0
        for number, row in enumerate(table, 1):
            fault = row.fault
            if fault is None and len(row.cells) != width:
                fault = f"there are {len(row.cells)} fields and not {width}"
            if fault:
                yield _faulty(file, number, f"line {row.line}: {fault}")
            else:
                cells = dict(zip(table.header, row.cells, strict=True))
                yield columns.document(cells, file.name, number)
    if not number:
        raise Unreadable(NO_ROWS)


def read_json_lines(file: Member, settings: Texts) -> Iterator[Document]:
    """Read JSON Lines in bounded memory."""
    with opened(file) as stream:
        yield from _objects(parsed_lines(stream), "line", file, settings)


def read_json(file: Member, settings: Texts) -> Iterator[Document]:
    """Read a JSON list of objects, which is loaded as a whole."""
    value = parsed(decoded(file.read()))
    if not isinstance(value, list):
        raise Unreadable("its JSON is not a list of objects")
    yield from _objects(enumerate(value, 1), "object", file, settings)


def read_parquet(file: Member, settings: Texts) -> Iterator[Document]:
    """Read Parquet in the memory of one row group."""
    columns: Columns | None = None

    def choose(names: list[str]) -> list[str]:
        nonlocal columns
        columns = columns_of(names, settings)
        return columns.names

    number = 0
    try:
        for number, row in enumerate(parquet_rows(file, choose), 1):
            assert columns is not None
            if isinstance(row[columns.text], bytes):
                row[columns.text] = decode(row[columns.text])
            yield columns.document(row, file.name, number)
    except Unreadable as error:
        if not number:
            raise
        yield _faulty(file, number + 1, f"after row {number} {error}")
    if not number:
        raise Unreadable(NO_ROWS)


def _objects(
    values: Iterable[tuple[int, Any]], unit: str, file: Member, settings: Texts
) -> Iterator[Document]:
    """Yield a document for each object; the first object must have the columns."""
    columns: Columns | None = None
    number = 0
    for number, value in values:
        if isinstance(value, dict):
            columns = columns or columns_of(value, settings)
            optional = dict.fromkeys(columns.names)
            yield columns.document({**optional, **value}, file.name, number)
            continue
        why = f"it is not JSON: {value}" if isinstance(value, Exception) else "it is no object"
        yield _faulty(file, number, f"{unit} {number}: {why}")
    if not number:
        raise Unreadable(NO_ROWS)


def _faulty(file: Member, number: int, fault: str) -> Document:
    return Document(f"{file.name}#{number}", "", fault=fault)
