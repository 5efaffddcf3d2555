"""Tables of texts: a row of CSV or Parquet, or an object of JSON, is a document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from femtogpt.sources.archives import Member
from femtogpt.sources.base import Document
from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.formats.columns import Columns, columns_of
from femtogpt.sources.formats.csv_rows import CsvTable
from femtogpt.sources.formats.json_rows import parsed, parsed_lines
from femtogpt.sources.formats.line_stream import opened
from femtogpt.sources.formats.parquet_rows import parquet_rows
from femtogpt.sources.formats.text import decoded

if TYPE_CHECKING:
    from femtogpt.sources.texts import Texts

Rows = Iterable[tuple[int, Mapping[str, Any] | str]]  # numbered: values by column, or the fault


def read_csv(file: Member, settings: Texts) -> Iterator[Document]:
    """Read CSV and TSV in bounded memory."""
    with opened(file) as stream:
        table = CsvTable(stream, {settings.text_column.casefold()})
        columns = columns_of(table.header, settings)
        try:
            yield from _documents(_csv_rows(table, columns), file, settings, columns)
        finally:
            file.mended.extend(table.mended.elements())


def read_json_lines(file: Member, settings: Texts) -> Iterator[Document]:
    """Read JSON Lines in bounded memory."""
    with opened(file) as stream:
        rows = parsed_lines(stream, mended=file.mended)
        yield from _documents(_objects(rows, "line"), file, settings)


def read_json(file: Member, settings: Texts) -> Iterator[Document]:
    """Read a JSON list of objects, which is loaded as a whole."""
    value, fault = parsed(decoded(file), file.mended)
    if not isinstance(value, list):
        raise Unreadable("its JSON is not a list of objects")
    yield from _documents(_objects(enumerate(value, 1), "object"), file, settings)
    if fault:
        yield Document(file.name, "", fault=f"{fault}; {len(value)} objects before that are read")


def read_parquet(file: Member, settings: Texts) -> Iterator[Document]:
    """Read Parquet in the memory of one row group."""
    rows = parquet_rows(file, lambda names: columns_of(names, settings).names)
    number = 0
    try:
        for document in _documents(enumerate(rows, 1), file, settings):
            number += 1
            yield document
    except Unreadable as error:
        if not number:
            raise
        yield _faulty(file, number + 1, f"after row {number} {error}")


def _csv_rows(table: CsvTable, columns: Columns) -> Rows:
    width = len(table.header)
    for number, row in enumerate(table, 1):
        fault, cells = row.fault, row.cells
        if fault is None and len(cells) != width:
            if len(cells) > width and table.header[-1] == columns.text:
                cells = table.with_long_end(cells)
            else:
                fault = f"there are {len(cells)} fields and not {width}"
        values = zip(table.header, cells, strict=False)
        yield number, f"line {row.line}: {fault}" if fault else dict(values)


def _objects(values: Iterable[tuple[int, Any]], unit: str) -> Rows:
    for number, found in values:
        for value in found if _is_list_of_objects(found) else [found]:  # as a line may be
            if isinstance(value, dict):
                yield number, value
            else:
                why = f"not JSON: {value}" if isinstance(value, Exception) else "no object"
                yield number, f"{unit} {number}: it is {why}"


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _documents(
    rows: Rows, file: Member, settings: Texts, columns: Columns | None = None
) -> Iterator[Document]:
    """Yield a document for each row; without ``columns``, those of the first row count."""
    number = 0
    for number, row in rows:
        if isinstance(row, str):
            yield _faulty(file, number, row)
        else:
            columns = columns or columns_of(row, settings)
            yield columns.document(row, file, number)
    if not number:
        raise Unreadable("it has no rows")


def _faulty(file: Member, number: int, fault: str) -> Document:
    return Document(f"{file.name}#{number}", "", fault=fault)
