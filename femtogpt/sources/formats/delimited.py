"""CSV: a row is a document."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, TextIO

from femtogpt.sources.archives import Member
from femtogpt.sources.base import Document
from femtogpt.sources.formats.columns import columns_of, whole
from femtogpt.sources.formats.stream import is_broken, opened
from femtogpt.sources.info import DELIMITERS

csv.field_size_limit(2**31 - 1)  # a novel may stand in a field


def read(member: Member, settings: Any) -> Iterator[Document]:
    """The rows, in bounded memory; the first line names the columns and shows the delimiter."""
    with opened(member) as stream:
        first = stream.readline().lstrip("\ufeff")
        delimiter = max(DELIMITERS, key=first.count)
        header = next(csv.reader([first], delimiter=delimiter), [])
        header = [whole(name).strip() for name in header]
        columns = columns_of(header, settings)
        for number, (cells, fault) in enumerate(_rows(stream, delimiter, len(header)), 1):
            if fault:
                yield Document(f"{member.name}#{number}", "", fault=fault)
            else:
                row = dict(zip(header, cells, strict=True))
                yield columns.document(row, member.name, number)


def _rows(stream: TextIO, delimiter: str, width: int) -> Iterator[tuple[list[str], str | None]]:
    """The cells of each row, and what is wrong with it, if anything; empty lines are passed."""
    rows = csv.reader(stream, delimiter=delimiter, strict=True)
    while True:
        why = None
        try:
            cells = next(rows)
            if not cells:
                continue
            if len(cells) != width:
                why = f"there are {len(cells)} fields and not {width}"
            elif is_broken("".join(cells)):
                why = "there are bytes of another encoding"
        except StopIteration:
            return
        except csv.Error as error:
            cells, why = [], whole(str(error))
        yield cells, why and f"line {rows.line_num + 1}: {why}"  # the header is a line, too
