"""Lists of works: an ``info.csv`` beside the texts with their titles, authors and years."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher

from femtogpt.sources.archives import Member, Unreadable
from femtogpt.sources.encodings import decode
from femtogpt.sources.formats.csv_rows import CsvTable

INFO_FILE = "info.csv"
COLUMNS = {  # a field, to the names of its column; the first that is present counts
    "name": ("name", "file", "filename", "имя", "файл", "title", "название"),
    "title": ("title", "название", "заглавие"),
    "author": ("author", "автор"),
    "year": ("year", "год", "date", "дата"),
}
UNREAD = "list without a column of names, or damaged, not used"
LONG_KEY = 12  # letters in a name in which two wrong ones count as a typing error
_SUFFIX = re.compile(r"\.(txt|fb2|epub|html?)$", re.IGNORECASE)
_LATIN = str.maketrans("aceopykmthb", "асеорукмтнв")  # letters that look alike


@dataclass(frozen=True)
class Row:
    """A line of a list."""

    name: str  # of the file, approximately
    title: str | None = None
    author: str | None = None
    year: int | None = None


def is_info(name: str) -> bool:
    """Whether a file of this name is such a list."""
    return name.lower() == INFO_FILE


def lists_in(files: Iterable[Member]) -> dict[str, list[Row]]:
    """Read the lists among some files: folder to rows, none, and noted, if one cannot be read."""
    return {str(file.path.parent): _read(file) for file in files if is_info(file.path.name)}


def _read(info: Member) -> list[Row]:
    rows: list[Row] = []
    with suppress(Unreadable):
        rows = rows_of(decode(info.read(), info.mended) or "")
    if not rows:
        info.mended.append(UNREAD)
    return rows


def rows_of(text: str) -> list[Row]:
    """Parse a list; no rows if it is not one."""
    rows = []
    try:
        table = CsvTable(io.StringIO(text, newline=""))
        columns = _columns([name.casefold() for name in table.header])
        if "name" not in columns:
            return []
        first = columns["name"]
        for csv_row in table:
            cells = csv_row.cells
            # If there are too many, the name contains the delimiter and is not quoted.
            last = first + max(0, len(cells) - len(table.header)) + 1
            cells[first:last] = [table.delimiter.join(cells[first:last])]
            row = {field: cells[at].strip() for field, at in columns.items() if at < len(cells)}
            if csv_row.fault:  # an open quote; the texts are read without their years
                return []
            if row.get("name"):
                year = year_in(row.get("year", ""))
                rows.append(Row(row["name"], row.get("title"), row.get("author"), year))
    except Unreadable:
        return []
    return rows


def matched(rows: Iterable[Row], stems: Iterable[str]) -> dict[str, Row]:
    """Find the row of each file name (without its suffix), if there is one.

    Case, ё and punctuation are ignored. So are two wrong letters in a long name that matches
    nothing else.
    """
    by_key = {key_of(_SUFFIX.sub("", row.name)): row for row in rows}
    keys = {stem: key_of(stem) for stem in stems}
    result = {stem: by_key[key] for stem, key in keys.items() if key in by_key}
    unmatched = {key: stem for stem, key in keys.items() if key not in by_key}
    for key in by_key.keys() - set(keys.values()):
        similar = [other for other in unmatched if _differ_by_typing_error(key, other)]
        if len(similar) != 1:
            continue
        if sum(_differ_by_typing_error(other, similar[0]) for other in by_key) == 1:
            result[unmatched[similar[0]]] = by_key[key]
    return result


def key_of(name: str) -> str:
    """Reduce a name to a key, without case, ё, punctuation and Latin letters that look Russian."""
    composed = unicodedata.normalize("NFC", name)  # macOS decomposes й and ё in file names
    letters = re.sub(r"[\W_]+", "", composed.casefold().replace("ё", "е"))
    return letters.translate(_LATIN)


def year_in(text: str) -> int | None:
    """Return the last year in a text such as 1862-1864."""
    years = re.findall(r"(?<!\d)\d{4}(?!\d)", text)
    return int(years[-1]) if years else None


def _columns(names: list[str]) -> dict[str, int]:
    """Return the index of the column of each field, from the names of the columns."""
    present = {
        field: next((name for name in candidates if name in names), None)
        for field, candidates in COLUMNS.items()
    }
    return {field: names.index(name) for field, name in present.items() if name is not None}


def _differ_by_typing_error(one: str, other: str) -> bool:
    """Whether two keys differ in at most two letters, and in no digit or Latin letter."""
    longer = max(len(one), len(other))
    if longer < LONG_KEY or abs(len(one) - len(other)) > 2:
        return False
    if re.findall("[0-9a-z]", one) != re.findall("[0-9a-z]", other):
        return False
    equal = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return longer - sum(block.size for block in equal) <= 2
