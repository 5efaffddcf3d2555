"""What the quotes and backslashes of a CSV file mean, by the evidence of its rows.

Programs write quotes in four ways: doubled inside quoted cells (RFC 4180), after a backslash, as
plain characters in cells without quotes (most TSV), and the last with backslashes. Nothing in the
file says which. A wrong choice loses or swallows rows, so the one is taken that the fewest lines
of a sample contradict.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Literal

DELIMITERS = ",;\t|"
NO_DELIMITER = "\x1f"  # of a table with one column
MAX_RECORD_CHARACTERS = 1 << 25  # of a row: it may hold a novel; beyond that a quote is open
MAX_NAMES = 1000  # in a header with quotes out of place
MAX_OPEN_QUOTES = 8  # that reach the end or that length; after so many each line is a row
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class Dialect:
    """How the cells of a row are told apart."""

    delimiter: str
    quoted: bool  # a cell may be in quotes, and quotes in it are doubled
    escaped: bool  # a backslash makes the next quote, delimiter or line end a plain character

    def reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Parse strictly; the reader goes on after an error."""
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE
        escape = "\\" if self.escaped else None
        return csv.reader(
            lines, delimiter=self.delimiter, quoting=quoting, escapechar=escape, strict=True
        )

    def prepared(self, line: str) -> str:
        """Double the backslashes that escape nothing, which the reader would drop."""
        return self._backslash.sub(self._kept, line) if self.escaped and "\\" in line else line

    def lenient(self, line: str, width: int | None) -> list[str]:
        """Split a single line that has quotes out of place: each as a plain character.

        The last of ``width`` cells extends to the last quote. Beyond it, quotes are not looked
        at: many would take long.
        """
        cells: list[str] = []
        at, line = 0, line.rstrip("\r\n")
        while at <= len(line) and len(cells) < (width or MAX_NAMES):
            is_last = len(cells) + 1 == width and self.quoted
            cell = (is_last and _LAST_CELL.fullmatch(line, at)) or self._cell.match(line, at)
            assert cell is not None, "the last alternative matches everything"
            quoted = cell[1].replace('""', '"') if cell[1] is not None else cell[2]
            cells.append(cell[0] if quoted is None else quoted)
            at = cell.end() + 1
        return cells + line[at:].split(self.delimiter) if at <= len(line) else cells

    @cached_property
    def _backslash(self) -> re.Pattern[str]:
        return re.compile(r"\\(.?)", re.DOTALL)

    def _kept(self, match: re.Match[str]) -> str:
        return match[0] if match[1] in ("\\", '"', self.delimiter, "\r", "\n") else "\\" + match[0]

    @cached_property
    def _cell(self) -> re.Pattern[str]:
        end = f"(?={re.escape(self.delimiter)}|$)"
        plain = f"[^{re.escape(self.delimiter)}]*"
        if not self.quoted:
            return re.compile(f"(?!)()()|{plain}")
        return re.compile(rf'"((?>[^"]*(?:""[^"]*)*))"{end}|"(.*?)"{end}|{plain}')


@dataclass(slots=True)
class Record:
    """A row as it was parsed."""

    cells: list[str]
    lines: int  # in the file
    error: str | None = None  # the row contradicts the dialect
    is_mended: bool = False  # its cells are there nevertheless
    skipped: int = 0  # empty lines before it


class _OpenQuote(csv.Error):
    """A quote is open for too long."""


@dataclass
class _Lines:
    """Lines that can be given back, and those taken since the last row."""

    lines: Iterator[str]
    prepare: Callable[[str], str]
    taken: list[str] = field(default_factory=list)
    given_back: list[str] = field(default_factory=list)  # the next one is the last
    size: int = 0  # characters taken

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.size > MAX_RECORD_CHARACTERS:
            raise _OpenQuote("a quote is not closed")
        line = self.given_back.pop() if self.given_back else next(self.lines)
        self.taken.append(line)
        self.size += len(line)
        return self.prepare(line)

    def begin(self) -> None:
        self.taken, self.size = [], 0

    def give_back(self, lines: list[str]) -> None:
        self.given_back += reversed(lines)


def records(lines: Iterator[str], dialect: Dialect, width: int | None) -> Iterator[Record]:
    """Parse rows; ``width`` is the number of columns, None if it is unknown.

    Where a row contradicts the dialect, its first line is split as if its quotes were plain
    characters, and the next row begins with the line after it. Empty rows are left out.
    """
    source = _Lines(lines, dialect.prepared)
    reader = dialect.reader(source)
    open_quotes = skipped = 0
    while True:
        source.begin()
        error = None
        try:
            if open_quotes > MAX_OPEN_QUOTES:
                record = Record(dialect.lenient(next(source), width), 1)
            else:
                record = Record(next(reader), len(source.taken))
        except StopIteration:
            return
        except csv.Error as stopped:
            record, error = Record([], 1), str(stopped)
            open_quotes += isinstance(stopped, _OpenQuote) or "end of data" in error
        if error is None and _swallows(record, source.taken, dialect, width):
            error = "a quote is not closed"
        if error is not None:
            record = _mended(source.taken[0], dialect, width, error)
            source.give_back(source.taken[1:])
        if any(record.cells) or record.error:
            record.skipped, skipped = skipped, 0
            yield record
        else:
            skipped += record.lines


def _mended(line: str, dialect: Dialect, width: int | None, error: str) -> Record:
    cells = without_blank_end(dialect.lenient(line, width), width)
    is_mended = width is None or len(cells) == width
    return Record(cells if is_mended else [], 1, error, is_mended)


def without_blank_end(cells: list[str], width: int | None) -> list[str]:
    """Drop cells beyond the columns if they are empty: the rows end with delimiters."""
    if width is None or len(cells) <= width or any(map(str.strip, cells[width:])):
        return cells
    return cells[:width]


def _swallows(record: Record, taken: list[str], dialect: Dialect, width: int | None) -> bool:
    """Whether a row of several lines is several rows, the first with a stray quote.

    Either it has not the table's width, and its first line or half of its lines have. Or each of
    its lines has, and a text of several lines is unlikely to look so: by its tabs, or by the number
    that begins each.
    """
    if width is None or width < 2 or len(taken) < 2:
        return False
    if len(without_blank_end(record.cells, width)) != width:
        fits = [_mended(line, dialect, width, "").is_mended for line in taken]
        return fits[0] or 2 * sum(fits) >= len(fits)
    split = [line.rstrip("\r\n").split(dialect.delimiter) for line in taken]
    if any(len(without_blank_end(cells, width)) != width for cells in split):
        return False
    return dialect.delimiter == "\t" or all(cells[0].strip().isdecimal() for cells in split)


def dialect_of(header: str, sample: list[str], is_whole: bool, delimiter: str | None) -> Dialect:
    """Choose the dialect that the fewest lines of the sample contradict.

    ``is_whole``: the sample is all there is; otherwise its last row may be cut. ``delimiter``: the
    one that the file names.
    """
    candidates = (
        [delimiter]
        if delimiter
        else sorted(filter(header.count, DELIMITERS), key=header.count, reverse=True)
    )
    dialects = [
        Dialect(delimiter, quoted, escaped)
        for delimiter, quoted, escaped in product(
            candidates or [NO_DELIMITER], (True, False), (False, True)
        )
    ]
    if not any(character in line for line in (header, *sample) for character in '"\\'):
        dialects = [dialect for dialect in dialects if dialect.quoted and not dialect.escaped]
    if len(dialects) == 1:
        return dialects[0]
    return min(dialects, key=lambda dialect: _contradictions(header, sample, is_whole, dialect))


def _contradictions(header: str, sample: list[str], is_whole: bool, dialect: Dialect) -> int:
    """Count the lines of the sample that would be read wrongly."""
    top = next(records(iter([header, *sample]), dialect, None), Record([], 1))
    width = len(header_cells(top.cells))
    count = 0
    for record in records(iter(sample[top.lines - 1 :]), dialect, width):
        cells = without_blank_end(record.cells, width)
        if record.error and "end of data" in record.error and not is_whole:
            break
        if record.error or len(cells) != width:
            count += record.lines
        else:
            unread_quotes = not dialect.quoted and any(map(_IN_QUOTES.fullmatch, cells))
            unread_backslashes = not dialect.escaped and any(map(_is_escaped, cells))
            count += unread_quotes or unread_backslashes
    return count


def _is_escaped(cell: str) -> bool:
    """Whether a cell has quotes, each of them after a backslash."""
    return '\\"' in cell and '"' not in cell.replace('\\"', "")


_LAST_CELL = re.compile(r'"((?>[^"]*(?:""[^"]*)*))"|"(.*)"')
_IN_QUOTES = re.compile(r'"(?:[^"\\]|""|\\.)*"', re.DOTALL)


def header_cells(cells: list[str]) -> list[str]:
    """Return the names of columns: those without a name at the end are no columns."""
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names
