"""Parquet: a row is a document."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from femtogpt.sources.archives import Member, Unreadable
from femtogpt.sources.base import Document
from femtogpt.sources.encodings import decode
from femtogpt.sources.formats.columns import columns_of

ROWS = 256  # read at once


def read(member: Member, settings: Any) -> Iterator[Document]:
    """The rows, in the memory of one row group's columns at most."""
    import pyarrow  # here, since it takes long to import
    import pyarrow.parquet

    number = 0
    with _on_disk(member) as file:
        try:
            table = pyarrow.parquet.ParquetFile(file)
            columns = columns_of(table.schema_arrow.names, settings)
            for batch in table.iter_batches(ROWS, columns=columns.names):
                for row in batch.to_pylist():
                    number += 1
                    if isinstance(row[columns.text], bytes):
                        row[columns.text] = decode(row[columns.text])
                    yield columns.document(row, member.name, number)
        except Unreadable:
            raise
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            why = f"it is damaged: {' '.join(str(error).split())}"
            if not number:
                raise Unreadable(why) from error
            yield Document(f"{member.name}#{number + 1}", "", fault=f"after row {number} {why}")


@contextmanager
def _on_disk(member: Member) -> Iterator[BinaryIO]:
    """The file where one can jump in it: out of an archive, through a copy."""
    with member.open() as stream:
        if isinstance(getattr(stream, "raw", None), io.FileIO):
            yield stream
            return
        with TemporaryFile() as copy:
            shutil.copyfileobj(stream, copy, 1 << 20)
            copy.seek(0)
            yield copy
