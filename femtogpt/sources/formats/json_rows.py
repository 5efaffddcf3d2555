"""JSON: an object of a line, or of a list, is a document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from femtogpt.sources.archives import Member, Unreadable
from femtogpt.sources.base import Document
from femtogpt.sources.formats.columns import Columns, columns_of
from femtogpt.sources.formats.stream import is_broken, opened
from femtogpt.sources.formats.text import decoded


def read(member: Member, settings: Any) -> Iterator[Document]:
    """JSON Lines, in bounded memory."""
    with opened(member) as stream:
        yield from _documents(_lines(stream), "line", member, settings)


def read_list(member: Member, settings: Any) -> Iterator[Document]:
    """A list of objects, which has to be read at once."""
    try:
        value = json.loads(decoded(member.read()))
    except (ValueError, RecursionError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(f"it is not JSON: {error}") from error
    if not isinstance(value, list):
        raise Unreadable("its JSON is no list of objects")
    yield from _documents(enumerate(value, 1), "object", member, settings)


def _lines(stream: Iterator[str]) -> Iterator[tuple[int, Any]]:
    """The values with their lines' numbers; an error for a value that cannot be read."""
    for number, line in enumerate(stream, 1):
        if not line.strip("\ufeff \t\r\n"):
            continue
        try:
            if is_broken(line):
                raise ValueError("there are bytes of another encoding")
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, error


def _documents(
    values: Iterator[tuple[int, Any]], what: str, member: Member, settings: Any
) -> Iterator[Document]:
    """A document for each object; the first one has to have the columns."""
    columns: Columns | None = None
    for number, value in values:
        if isinstance(value, dict):
            columns = columns or columns_of(value, settings)
            optional = {name: None for name in columns.names}
            yield columns.document({**optional, **value}, member.name, number)
            continue
        why = f"it is not JSON: {value}" if isinstance(value, Exception) else "it is no object"
        yield Document(f"{member.name}#{number}", "", fault=f"{what} {number}: {why}")
