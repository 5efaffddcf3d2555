"""What an ``info.csv`` beside the texts says of them: title, author, year."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from femtogpt.sources.archives import Member, Unreadable
from femtogpt.sources.encodings import decode

INFO = "info.csv"
COLUMNS = {  # what a column is for, to what it may be called; the first that is there counts
    "name": ("name", "file", "filename", "имя", "файл", "title", "название"),
    "title": ("title", "название", "заглавие"),
    "author": ("author", "автор"),
    "year": ("year", "год", "date", "дата"),
}
DELIMITERS = ",;\t|"
LONG = 12  # letters of a name in which two wrong ones are a slip
_SUFFIX = re.compile(r"\.(txt|fb2|epub|html?)$", re.IGNORECASE)
_LATIN = str.maketrans("aceopykmthb", "асеорукмтнв")  # letters that look alike


@dataclass(frozen=True)
class Row:
    """A line of the list."""

    name: str  # of the file, more or less
    title: str | None = None
    author: str | None = None
    year: int | None = None


def is_info(name: str) -> bool:
    """Whether a file of this name is such a list."""
    return name.lower() == INFO


def lists_in(files: Iterable[Member]) -> dict[str, list[Row]]:
    """The lists among some files: their folder to what they say, nothing if it cannot be read."""
    return {str(file.path.parent): _read(file) for file in files if is_info(file.path.name)}


def _read(info: Member) -> list[Row]:
    try:
        return rows_of(decode(info.read()) or "")
    except Unreadable:
        return []


def rows_of(text: str) -> list[Row]:
    """The rows of a list; none where it is no list."""
    lines = text.splitlines()
    header, delimiter = max(
        ((_header(lines[0] if lines else "", delimiter), delimiter) for delimiter in DELIMITERS),
        key=lambda found: len(found[0][1]),
    )
    width, columns = header
    if "name" not in columns:
        return []
    rows = []
    try:
        for cells in list(csv.reader(io.StringIO(text), delimiter=delimiter))[1:]:
            surplus = max(0, len(cells) - width)  # a name with the delimiter in it, unquoted
            first = columns["name"]
            cells[first : first + surplus + 1] = [
                delimiter.join(cells[first : first + surplus + 1])
            ]
            found = {what: cells[at].strip() for what, at in columns.items() if at < len(cells)}
            if found.get("name"):
                year = year_in(found.get("year", ""))
                rows.append(Row(found["name"], found.get("title"), found.get("author"), year))
    except csv.Error:  # an open quote: better no years than no texts
        return []
    return rows


def matched(rows: Iterable[Row], stems: Iterable[str]) -> dict[str, Row]:
    """The row of each file name (without its suffix) that has one.

    Case, ё and punctuation do not count; between what is left, neither do two wrong letters in a
    long name, where that leaves no choice.
    """
    by_key = {key_of(_SUFFIX.sub("", row.name)): row for row in rows}
    keys = {stem: key_of(stem) for stem in stems}
    found = {stem: by_key[key] for stem, key in keys.items() if key in by_key}
    left = {key: stem for stem, key in keys.items() if key not in by_key}
    for key in by_key.keys() - set(keys.values()):
        like = [other for other in left if _slip(key, other)]
        if len(like) == 1 and sum(_slip(other, like[0]) for other in by_key) == 1:
            found[left[like[0]]] = by_key[key]
    return found


def key_of(name: str) -> str:
    """A name in spite of case, ё, punctuation and Latin letters that look Russian."""
    composed = unicodedata.normalize("NFC", name)  # macOS decomposes й and ё in file names
    letters = re.sub(r"[\W_]+", "", composed.casefold().replace("ё", "е"))
    return letters.translate(_LATIN)


def year_in(text: str) -> int | None:
    """The year in a text; of several (1862-1864), the last."""
    found = re.findall(r"(?<!\d)\d{4}(?!\d)", text)
    return int(found[-1]) if found else None


def _header(line: str, delimiter: str) -> tuple[int, dict[str, int]]:
    """The number of columns, and which of them are for what."""
    cells = next(csv.reader([line.lstrip("\ufeff")], delimiter=delimiter), [])
    names = [cell.strip().casefold() for cell in cells]
    columns = {
        what: next(names.index(name) for name in called if name in names)
        for what, called in COLUMNS.items()
        if any(name in names for name in called)
    }
    return len(names), columns


def _slip(one: str, other: str) -> bool:
    """Whether two keys differ in at most two letters, and in no digit or Latin letter."""
    longer = max(len(one), len(other))
    if longer < LONG or abs(len(one) - len(other)) > 2:
        return False
    if re.findall("[0-9a-z]", one) != re.findall("[0-9a-z]", other):
        return False
    alike = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return longer - sum(block.size for block in alike) <= 2
