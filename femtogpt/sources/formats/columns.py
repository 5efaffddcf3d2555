"""Rows of tables as documents: which column is what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from femtogpt.sources.archives import Unreadable
from femtogpt.sources.base import Document
from femtogpt.sources.info import year_in

FIELDS = {  # of a document, to what their columns are called where no setting says
    "id": ("id",),
    "title": ("title",),
    "author": ("author",),
    "year": ("year",),
    "url": ("url",),
    "licence": ("licence", "license"),
}
SHOWN = 20  # names of columns in a message


class NoColumn(Unreadable):
    """A table lacks the column that holds the texts, or one that a setting names."""


@dataclass(frozen=True)
class Columns:
    """The columns of a table that are read: of the text, and of what is known of it."""

    text: str
    about: Mapping[str, str]  # a document's field to the column

    @property
    def names(self) -> list[str]:
        """All that have to be read."""
        return list(dict.fromkeys([self.text, *self.about.values()]))

    def document(self, row: Mapping[str, Any], file: str, number: int) -> Document:
        """A row as a document; ``number`` counts the rows, or the lines, of the file."""
        text = row.get(self.text)
        about = {field: _string(row.get(column)) for field, column in self.about.items()}
        if "year" in self.about:
            about["year"] = _year(row.get(self.about["year"]))
        name = about.pop("id", None) or f"{file}#{number}"
        if isinstance(text, str):
            return Document(name, whole(text), **about)
        what = "is empty" if text is None else f"is no text but of the kind {type(text).__name__}"
        return Document(name, "", **about, fault=f"{self.text} {what} in row {number}")


def columns_of(names: Iterable[str], settings: Any) -> Columns:
    """The columns among these names; NoColumn says which there are."""
    names = list(names)
    about = dict(settings.columns)
    for field, called in FIELDS.items():
        if field not in about and (there := [name for name in called if name in names]):
            about[field] = there[0]
    columns = Columns(settings.text_column, about)
    missing = [name for name in columns.names if name not in names]
    if missing:
        there = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
        setting = "text_column" if missing[0] == columns.text else "columns"
        raise NoColumn(
            f"there is no column {missing[0]!r}, but {there or 'none'};"
            f" name the right one with {setting}"
        )
    return columns


def _string(value: Any) -> str | None:
    return None if value is None else whole(str(value)).strip() or None


def whole(text: str) -> str:
    """With U+FFFD for what is no character: JSON may have half of one where a text was cut."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _year(value: Any) -> int | None:
    """A year out of a number, a date or a text."""
    if isinstance(value, date):  # a datetime is one too
        return value.year
    return None if value is None else year_in(str(value))
