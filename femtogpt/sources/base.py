"""What a source is.

A source is a YAML file in ``conf/sources/`` with a ``kind``. A kind is a class with settings
(pydantic fields) and two methods. A package adds one with an entry point::

    [project.entry-points."femtogpt.sources"]
    mykind = "mypackage.mymodule:MyKind"
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from femtogpt.config import SourceConfig


@dataclass(frozen=True, slots=True)
class Document:
    """One work as its source has it, before cleaning."""

    id: str  # unique and stable within the source
    text: str
    title: str | None = None
    author: str | None = None
    year: int | None = None
    speaker: str | None = None
    url: str | None = None
    licence: str | None = None
    entropy_bits: float | None = None  # −log2 p(text), where the source knows it
    fault: str | None = None  # why it cannot be read: it is rejected for that


class Source(SourceConfig):
    """A kind of source: its settings, and how its bytes come and are read."""

    location: ClassVar[frozenset[str]]  # the fields that say which bytes to fetch, and from where

    def identity(self) -> dict:
        """What determines the fetched bytes (a JSON value).

        Raises UserError where that cannot be told, for example because a local file is missing.
        """
        return self.model_dump(mode="json", include={"kind", *self.location})

    def reading(self) -> dict:
        """What, besides the bytes, determines the documents and their cleaning (a JSON value)."""
        return self.model_dump(mode="json", exclude={"weight", *self.location})

    def pinned(self) -> Source:
        """This source, fixed to what is there now: of a remote one, its current version.

        Raises UserError where that cannot be told.
        """
        return self

    def earlier(self, identities: Iterable[dict]) -> list[Source]:
        """This source, fixed to each of its states among those already fetched, newest first."""
        return []

    @property
    def resumable(self) -> bool:
        """Whether ``fetch`` goes on from what one that was stopped has left in ``into``."""
        return False

    @abstractmethod
    def fetch(self, into: Path) -> dict:
        """Put the source's bytes, as they come, into ``into``: empty, or left so by a ``fetch``.

        Returns their provenance (a JSON value: address, version, licence, what is known).
        Raises UserError where they cannot be had, ConnectionError where a retry may help.
        """

    @abstractmethod
    def documents(self, raw: Path) -> Iterator[Document]:
        """The documents in the fetched bytes, in a stable order, one at a time.

        Raises UserError where the bytes are not what they should be.
        """
