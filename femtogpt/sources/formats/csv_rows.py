"""Rows of CSV files, whatever their delimiter."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TextIO

from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.formats.line_stream import has_undecoded_bytes, whole_characters

DELIMITERS = ",;\t|"
csv.field_size_limit(2**31 - 1)  # a field may hold a novel


@dataclass(frozen=True, slots=True)
class CsvRow:
    """The cells of a row."""

    cells: list[str]
    line: int  # the last one of the row, counted from 1
    fault: str | None = None  # why the row cannot be read


class CsvTable:
    """A CSV file as it is read: the header, then the rows, in bounded memory.

    The first line that is not empty names the columns and shows the delimiter. Empty lines are
    skipped.
    """

    def __init__(self, stream: TextIO, strict: bool = True):
        """``stream`` keeps its line ends; ``strict``: a stray quote is a fault.

        Raises Unreadable if the header cannot be parsed.
        """
        self._skipped_lines = 0
        first = ""
        for line in stream:
            if line.strip():
                first = line.lstrip("\ufeff")
                break
            self._skipped_lines += 1
        self.delimiter = max(DELIMITERS, key=first.count)
        lines = chain([first], stream)
        self._reader = csv.reader(lines, delimiter=self.delimiter, strict=strict)
        try:
            names = next(self._reader, [])
        except csv.Error as error:
            raise Unreadable(f"its header is damaged: {whole_characters(str(error))}") from error
        self.header = [whole_characters(name).strip() for name in names]

    def __iter__(self) -> Iterator[CsvRow]:
        while True:
            fault = None
            try:
                cells = next(self._reader)
                if not cells:
                    continue
                if has_undecoded_bytes("".join(cells)):
                    fault = "there are bytes of another encoding"
            except StopIteration:
                return
            except csv.Error as error:
                cells, fault = [], whole_characters(str(error))
            yield CsvRow(cells, self._skipped_lines + self._reader.line_num, fault)
