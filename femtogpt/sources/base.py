"""Sources of text: the contract that every kind of source fulfils.

A source is a YAML file in ``conf/sources/`` with a ``kind``. A kind is a class with settings
(pydantic fields). There are two ways to add one:

- A kind that reads files subclasses ``Reader`` (reader.py) and lists its formats: a suffix and the
  function that reads one such file. ``Reader`` does the rest. Adding a format to an existing kind
  takes one small file with that function and one line in the ``formats`` of the kind.
- A kind that gets its text elsewhere subclasses ``Source`` and implements ``fetch(into)`` and
  ``documents(raw)``.

A package announces its kind with an entry point::

    [project.entry-points."femtogpt.sources"]
    mykind = "mypackage.mymodule:MyKind"

docs/new-source.md has an example.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from femtogpt.config import SourceConfig


@dataclass(frozen=True, slots=True)
class Document:
    """One work before cleaning."""

    id: str  # stable; see unique_ids
    text: str
    title: str | None = None
    author: str | None = None
    year: int | None = None
    speaker: str | None = None
    url: str | None = None
    licence: str | None = None
    entropy_bits: float | None = None  # −log2 p(text), if the source knows it
    fault: str | None = None  # why it cannot be read; it is rejected with this reason
    file: str | None = field(default=None, compare=False)  # tells apart equal ids of several files
    mended: tuple[str, ...] = field(default=(), compare=False)  # what of it was mended or left out


class Source(SourceConfig):
    """A kind of source: its settings, and how its bytes are fetched and read."""

    location: ClassVar[frozenset[str]]  # the settings that say which bytes to fetch, and from where

    def identity(self) -> dict[str, Any]:
        """Return what determines the fetched bytes, as a JSON value.

        Raises UserError if that is unknown, for example because a local file is missing.
        """
        return self.model_dump(mode="json", include={"kind", *self.location})

    def reading(self) -> dict[str, Any]:
        """Return the settings that, besides the bytes, determine the documents and their cleaning.

        The result is a JSON value.
        """
        return self.model_dump(mode="json", exclude={"weight", *self.location})

    def pinned(self) -> Source:
        """Return this source fixed to its current version, if it is remote and has versions.

        Raises UserError if the version cannot be found out.
        """
        return self

    def earlier(self, identities: Iterable[dict[str, Any]]) -> list[Source]:
        """Return this source fixed to each of its versions among ``identities``, newest first."""
        return []

    @property
    def resumable(self) -> bool:
        """Whether ``fetch`` can continue from what an interrupted ``fetch`` left in ``into``."""
        return False

    @abstractmethod
    def fetch(self, into: Path) -> dict[str, Any]:
        """Put the source's bytes, unchanged, into ``into``: empty, or as a ``fetch`` left it.

        Returns their provenance (a JSON value: address, version, licence). Raises UserError if
        they are not available, ConnectionError if a retry may help.
        """

    @abstractmethod
    def documents(self, raw: Path) -> Iterator[Document]:
        """Yield the documents in the fetched bytes one at a time, in a stable order.

        Raises UserError if the source as a whole cannot be read. A single file that cannot be
        read is a document with a ``fault``.
        """


def unique_ids(
    documents: Iterable[Document], is_reserved: Callable[[str], bool] = lambda id: False
) -> Iterator[Document]:
    """Make the ids of a source's documents unique; they are always the same for the same files.

    The first document with an id keeps it. A later one gets ``<id> in <file>`` if its file is
    given, or else, or if that is taken, a number: ``<id>#2``. So does each whose id ``is_reserved``
    for others.
    """
    last_numbers: dict[str, int] = {}  # by id that is taken: the last number it was given
    for document in documents:
        base = document.id.encode(errors="backslashreplace").decode() or document.file or ""
        if base in last_numbers and document.file and document.id:
            base = f"{base} in {document.file}"
        name, number = base, last_numbers.get(base, 1)
        while name in last_numbers or is_reserved(name):
            number += 1
            name = f"{base}#{number}"
        last_numbers[base] = number
        last_numbers.setdefault(name, 1)
        yield document if name == document.id else replace(document, id=name)
