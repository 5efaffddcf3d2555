"""Where a source's bytes come from: a file or folder of this machine, or a dataset of Kaggle.

Every kind of source that reads files (texts, interviews, dumps) can be had from either.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from pydantic import Field, model_validator

from femtogpt.sources import kaggle, local
from femtogpt.sources.base import Source


class Origin(Source):
    """A source of files, from a ``path`` or a ``dataset``."""

    location: ClassVar[frozenset[str]] = frozenset({"path", "dataset", "archive"})
    suffixes: ClassVar[frozenset[str]]  # of the files it reads, as ".txt"; archives are looked into
    path: Path | None = Field(None, description="a folder, a file or an archive of this machine")
    dataset: str | None = Field(
        None,
        pattern=kaggle.DATASET,
        description="of Kaggle: owner/slug (what is there now), or owner/slug/version",
    )
    archive: Path | None = Field(
        None, description="a copy of the dataset's zip already on disk: nothing is downloaded"
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Origin:
        if (self.path is None) == (self.dataset is None):
            raise ValueError("give either path or dataset")
        if self.archive is not None and self.dataset is None:
            raise ValueError("archive is a copy of a dataset: give dataset too")
        return self

    def identity(self) -> dict:
        """The bytes, not the place: a moved folder is the same source, an edited one is not."""
        if self.path is not None:
            return {"kind": self.kind, "sha256": local.identity(self.path, self.suffixes)}
        return kaggle.identity(self.dataset, self.archive)

    def pinned(self) -> Origin:
        """A dataset gets its current version; KaggleError where that cannot be told."""
        return self._at(kaggle.pinned(self.dataset)) if self.resumable else self

    def earlier(self, identities: Iterable[dict]) -> list[Source]:
        """The versions of the dataset that were downloaded, the highest first."""
        if not self.resumable:
            return []
        return [self._at(dataset) for dataset in kaggle.earlier(self.dataset, identities)]

    def _at(self, dataset: str) -> Origin:
        return self.model_copy(update={"dataset": dataset})

    @property
    def resumable(self) -> bool:
        """Whether it is downloaded."""
        return self.dataset is not None and self.archive is None

    def fetch(self, into: Path) -> dict:
        if self.path is not None:
            return local.fetch(self.path, self.suffixes, into)
        return kaggle.fetch(self.dataset, self.archive, into)
