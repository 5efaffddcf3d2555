"""What is known about works besides their text: from info.csv files and from file names."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from femtogpt.sources.base import Document
from femtogpt.sources.info import Row, matched
from femtogpt.sources.persons import folder_authors, named


class Catalogue:
    """Adds ids, titles, authors and years to documents whose ids are still their file names."""

    def __init__(self, names: Iterable[str], lists: Mapping[str, list[Row]]):
        """``names`` are the files of the works, ``lists`` the rows of each folder's info.csv."""
        names = list(names)
        stems: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for name in names:
            path = PurePosixPath(name)
            if str(path.parent) in lists:
                stems[str(path.parent)][path.stem].append(name)
        self._rows = {
            name: row
            for folder, rows in lists.items()
            for stem, row in matched(rows, stems[folder]).items()
            for name in stems[folder][stem]
        }
        self._folder_authors = folder_authors(names)
        counts = Counter(map(_stem, names))
        self._shortened = {name for name in names if counts[_stem(name)] == 1}

    def completed(self, document: Document) -> Document:
        """Add what is known: info.csv comes before the file's own metadata, and that before names.

        The id loses its suffix, unless another one differs in nothing else.
        """
        path = PurePosixPath(document.id)
        row = self._rows.get(document.id, Row(""))
        folder_author = self._folder_authors.get(str(path.parent))
        by_name = named(path.stem, folder_author)
        return replace(
            document,
            id=_stem(document.id) if document.id in self._shortened else document.id,
            title=row.title or document.title or by_name.title,
            author=row.author or document.author or by_name.author or folder_author,
            year=row.year or document.year or by_name.year,
        )


def _stem(name: str) -> str:
    """A name without its suffix."""
    return name.removesuffix(PurePosixPath(name).suffix)
