"""Which columns of a table hold the texts and their metadata."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from femtogpt.sources.archives import Member
from femtogpt.sources.base import Document
from femtogpt.sources.compressed import Unsuitable
from femtogpt.sources.encodings import decode
from femtogpt.sources.formats.line_stream import whole_characters
from femtogpt.sources.info import year_in

if TYPE_CHECKING:
    from femtogpt.sources.texts import Texts

FIELDS = {  # metadata of a document, to the columns it is looked for in without a setting
    "id": ("id",),
    "title": ("title",),
    "author": ("author",),
    "year": ("year",),
    "url": ("url",),
    "licence": ("licence", "license"),
}
MAX_NAMES_SHOWN = 20  # columns in a message
MAX_NAME_SHOWN = 40  # characters of a column's name: in a table without names they are texts


@dataclass(frozen=True)
class Columns:
    """The columns of a table that are read."""

    text: str
    about: Mapping[str, str]  # a document's field to the column

    @property
    def names(self) -> list[str]:
        """All columns that must be read."""
        return list(dict.fromkeys([self.text, *self.about.values()]))

    def document(self, row: Mapping[str, Any], file: Member, number: int) -> Document:
        """Convert a row to a document; ``number`` counts the rows, or the lines, of the file."""
        text, fault = row.get(self.text), None
        if isinstance(text, bytes):
            text = decode(text, file.mended)
        if not isinstance(text, str):
            kind = type(text).__name__
            why = "is empty" if text is None else f"is no text but of the kind {kind}"
            fault, text = f"{self.text} {why} in row {number}", ""
        about: dict[str, Any] = {
            field: _year(row.get(column)) if field == "year" else _string(row.get(column))
            for field, column in self.about.items()
        }
        about["id"] = about.get("id") or f"{file.name}#{number}"
        return Document(text=whole_characters(text, file.mended), fault=fault, **about)


def columns_of(names: Iterable[str], settings: Texts) -> Columns:
    """Find the columns among these names, in any case if none is spelled so.

    Raises Unsuitable, with the names, if one is missing.
    """
    names = list(names)
    folded = {name.strip().casefold(): name for name in reversed(names)}

    def found(column: str) -> str:
        return column if column in names else folded.get(column.casefold(), column)

    about = {str(field): found(column) for field, column in settings.columns.items()}
    for field, candidates in FIELDS.items():
        present = [column for column in map(found, candidates) if column in names]
        if field not in about and present:
            about[field] = present[0]
    columns = Columns(found(settings.text_column), about)
    missing = [name for name in columns.names if name not in names]
    if missing:
        shown = listed(names)
        setting = "text_column" if missing[0] == columns.text else "columns"
        raise Unsuitable(
            f"there is no column {missing[0]!r}, but {shown or 'none'};"
            f" name the right one with {setting}"
        )
    return columns


def listed(names: list[str]) -> str:
    """The names of columns, as a message shows them."""
    short = [name if len(name) <= MAX_NAME_SHOWN else f"{name[:MAX_NAME_SHOWN]}…" for name in names]
    return ", ".join(short[:MAX_NAMES_SHOWN]) + (", …" if len(names) > MAX_NAMES_SHOWN else "")


def _string(value: Any) -> str | None:
    return None if value is None else whole_characters(str(value)).strip() or None


def _year(value: Any) -> int | None:
    """The year in a number, a date or a text."""
    if isinstance(value, date):  # a datetime is one too
        return value.year
    return None if value is None else year_in(str(value))
