"""Rows of CSV files, whatever their delimiter and their quotes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import TextIO

from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.formats.csv_dialect import (
    DELIMITERS,
    dialect_of,
    header_cells,
    records,
    without_blank_end,
)
from femtogpt.sources.formats.line_stream import (
    decoded_apart,
    has_undecoded_bytes,
    whole_characters,
)

SAMPLE_CHARACTERS = 1 << 20  # show the dialect
MAX_ABOVE = 10  # lines above the header: a title, a date, an explanation
_BLANK = f"\ufeff\"' \r\n{DELIMITERS}"  # an empty line, as spreadsheets write it
_CELL_END = re.compile(f"[{DELIMITERS}]")
_SEPARATOR = re.compile(
    rf'\ufeff?"?sep=([^\w"\\\r\n])"?[{DELIMITERS}]*\s*', re.IGNORECASE
)  # Excel's


@dataclass(frozen=True, slots=True)
class CsvRow:
    """The cells of a row."""

    cells: list[str]
    line: int  # the last one of the row, counted from 1
    fault: str | None = None  # why the row cannot be read


class CsvTable:
    """A CSV file as it is read: the header, then the rows, in bounded memory.

    The first line that is not empty names the columns; before it Excel may name the delimiter.
    If it names none of those looked for and one of the next lines does, that is the header.
    Empty rows are skipped. ``mended`` counts, by kind, what was put right in the rows so far.
    """

    def __init__(self, stream: TextIO, columns: Collection[str] = ()):
        """``stream`` keeps its line ends; ``columns``, in lower case, are those looked for.

        Raises Unreadable if there is no header.
        """
        self._encoding: str | None = getattr(stream, "encoding", None)
        self.mended: Counter[str] = Counter()
        self._lines: Iterator[str] = self._without_nuls(stream)
        self._line = 0
        first = self._first_line()
        named = _SEPARATOR.fullmatch(first)
        if named:
            first = self._first_line()
        first = self._header_line(first, columns)
        sample, size = [], 0
        for line in self._lines:
            sample.append(line)
            size += len(line)
            if size > SAMPLE_CHARACTERS:
                break
        is_whole = size <= SAMPLE_CHARACTERS
        self._dialect = dialect_of(first, sample, is_whole, named[1] if named else None)
        rows = records(chain([first], sample), self._dialect, None)
        header = next(rows, None)
        self.header = _unique(header_cells(header.cells) if header else [])
        if header is None or not self.header:
            raise Unreadable("no line of it names columns")
        self._line += header.lines - 1
        self._rows = chain(sample[header.lines - 1 :], self._lines)
        self.delimiter = self._dialect.delimiter

    def _without_nuls(self, stream: TextIO) -> Iterator[str]:
        for line in stream:
            if "\0" in line:
                self.mended["lines with NUL characters, left out"] += 1
                line = line.replace("\0", "")
            yield line

    def _first_line(self) -> str:
        """Return the next line that is not empty; "" at the end."""
        for line in self._lines:
            self._line += 1
            if line.strip(_BLANK):
                return line.lstrip("\ufeff")
        return ""

    def _header_line(self, first: str, columns: Collection[str]) -> str:
        """Return the first line, or one of the next if that has one of the columns instead."""
        if _names_one(first, columns) or first.count('"') % 2:
            return first
        ahead = list(islice(self._lines, MAX_ABOVE))
        found = next((n for n, line in enumerate(ahead) if _names_one(line, columns)), None)
        if found is None:
            self._lines = chain(ahead, self._lines)
            return first
        self._lines = chain(ahead[found + 1 :], self._lines)
        self._line += found + 1
        above = sum(bool(line.strip(_BLANK)) for line in (first, *ahead[:found]))
        self.mended["lines above the header, left out"] += above
        return ahead[found]

    def __iter__(self) -> Iterator[CsvRow]:
        width = len(self.header)
        for record in records(self._rows, self._dialect, width):
            self._line += record.skipped + record.lines
            cells = without_blank_end(record.cells, width)
            fault = None
            if record.error and not record.is_mended:
                fault = whole_characters(record.error)
            elif has_undecoded_bytes("".join(cells)):
                apart = [self._decoded(cell) for cell in cells]
                cells = [cell or "" for cell in apart]
                if None in apart:
                    fault = "there are bytes of another encoding"
                else:
                    self.mended["rows in another encoding, decoded by themselves"] += 1
            elif record.error:
                self.mended["rows with quotes out of place, read as plain characters"] += 1
            elif len(cells) < len(record.cells):
                self.mended["rows with extra delimiters at the end, read without them"] += 1
            yield CsvRow(cells, self._line, fault)

    def _decoded(self, cell: str) -> str | None:
        if not has_undecoded_bytes(cell):
            return cell
        mended: list[str] = []
        text = decoded_apart(cell, self._encoding, mended)
        self.mended.update(mended)
        return text

    def with_long_end(self, cells: list[str]) -> list[str]:
        """Join the cells from the last column on: a text with delimiters and without quotes."""
        last = len(self.header) - 1
        self.mended["rows with delimiters in a text without quotes, read as part of it"] += 1
        return [*cells[:last], self.delimiter.join(cells[last:])]


def _names_one(line: str, columns: Collection[str]) -> bool:
    """Whether a line has a cell that is the name of one of these columns."""
    return any(cell.strip(" \"'\r\n").casefold() in columns for cell in _CELL_END.split(line))


def _unique(names: list[str]) -> list[str]:
    """Number the columns of equal names: ``text``, ``text.1``."""
    counts: Counter[str] = Counter()
    result = []
    for name in names:
        unique = f"{name}.{counts[name]}" if counts[name] and name else name
        result.append(whole_characters(unique))
        counts[name] += 1
    return result
