"""Rows of Parquet files, in the memory of one row group's columns at most."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from femtogpt.sources.archives import Member
from femtogpt.sources.compressed import Unreadable

ROWS_AT_ONCE = 256


def parquet_rows(
    file: Member, choose_columns: Callable[[list[str]], list[str]]
) -> Iterator[dict[str, Any]]:
    """Yield the rows as column to value; ``choose_columns`` picks from the names in the file.

    Raises Unreadable if the file is damaged, perhaps after some rows, and what ``choose_columns``
    raises.
    """
    import pyarrow  # here because it takes long to import
    import pyarrow.parquet

    with _seekable(file) as stream:
        try:
            table = pyarrow.parquet.ParquetFile(stream)
            columns = choose_columns(table.schema_arrow.names)
            for batch in table.iter_batches(ROWS_AT_ONCE, columns=columns):
                yield from batch.to_pylist()
        except Unreadable:
            raise
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise Unreadable(f"it is damaged: {' '.join(str(error).split())}") from error


@contextmanager
def _seekable(file: Member) -> Iterator[BinaryIO]:
    """Open a file for random access; one in an archive is copied to a temporary file."""
    with file.open() as stream:
        if isinstance(getattr(stream, "raw", None), io.FileIO):
            yield stream
            return
        with TemporaryFile() as copy:
            shutil.copyfileobj(stream, copy, 1 << 20)
            copy.seek(0)
            yield copy
