"""Sources whose bytes are files: on this machine, or in a dataset on Kaggle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, model_validator

from femtogpt.sources import kaggle, local
from femtogpt.sources.base import Source


class FileSource(Source):
    """A source of files from a ``path`` or a ``dataset``."""

    location: ClassVar[frozenset[str]] = frozenset({"path", "dataset", "archive"})
    formats: ClassVar[Mapping[str, Any]]  # by the suffix of the files that are read, as ".txt"
    path: Path | None = Field(None, description="a folder, a file or an archive on this machine")
    dataset: str | None = Field(
        None,
        pattern=kaggle.DATASET,
        description="on Kaggle: owner/slug (its current version), or owner/slug/version",
    )
    archive: Path | None = Field(
        None, description="a copy of the dataset's zip on this machine; nothing is downloaded"
    )

    @model_validator(mode="after")
    def _path_or_dataset(self) -> FileSource:
        if (self.path is None) == (self.dataset is None):
            raise ValueError("give either path or dataset")
        if self.archive is not None and self.dataset is None:
            raise ValueError("archive is a copy of a dataset: give dataset too")
        return self

    def identity(self) -> dict[str, Any]:
        """Return a digest of the bytes: a moved folder is the same source, an edited one is not."""
        if self.path is not None:
            return {"kind": self.kind, "sha256": local.identity(self.path, self.formats.keys())}
        return kaggle.identity(self._dataset, self.archive)

    def pinned(self) -> FileSource:
        """Return the source with its dataset's current version; KaggleError if it is unknown."""
        return self._with_dataset(kaggle.pinned(self._dataset)) if self.resumable else self

    def earlier(self, identities: Iterable[dict[str, Any]]) -> list[Source]:
        """Return the source with each version of its dataset that was downloaded, newest first."""
        if not self.resumable:
            return []
        return [self._with_dataset(name) for name in kaggle.earlier(self._dataset, identities)]

    def _with_dataset(self, dataset: str) -> FileSource:
        return self.model_copy(update={"dataset": dataset})

    @property
    def _dataset(self) -> str:
        assert self.dataset is not None, "a source without a path has a dataset"
        return self.dataset

    @property
    def resumable(self) -> bool:
        """Whether the source is downloaded."""
        return self.dataset is not None and self.archive is None

    def fetch(self, into: Path) -> dict[str, Any]:
        if self.path is not None:
            return local.fetch(self.path, self.formats.keys(), into)
        return kaggle.fetch(self._dataset, self.archive, into)
