"""What is known of works besides their text: from lists beside them, and from their names."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from femtogpt.sources.base import Document
from femtogpt.sources.info import Row, matched
from femtogpt.sources.persons import folder_authors, named


class Known:
    """Completes documents whose ids are still the names of their files."""

    def __init__(self, names: Iterable[str], lists: Mapping[str, list[Row]]):
        """``lists`` are the rows of each folder's info.csv."""
        stems: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        names = list(names)
        for name in names:
            path = PurePosixPath(name)
            stems[str(path.parent)][path.stem].append(name)
        self._rows = {
            name: row
            for folder, rows in lists.items()
            for stem, row in matched(rows, stems[folder]).items()
            for name in stems[folder][stem]
        }
        self._authors = folder_authors(names)
        self._ids = dict(zip(names, _ids(names), strict=True))

    def completed(self, document: Document) -> Document:
        """With its id, and the title, author and year that a list or a name tells.

        A list counts more than what the file says of itself, and that more than a name.
        """
        path = PurePosixPath(document.id)
        row = self._rows.get(document.id, Row(""))
        above = self._authors.get(str(path.parent))
        says = named(path.stem, above)
        return replace(
            document,
            id=self._ids.get(document.id, document.id),
            title=row.title or document.title or says.title,
            author=row.author or document.author or says.author or above,
            year=row.year or document.year or says.year,
        )


def _ids(names: list[str]) -> Iterable[str]:
    """Paths without suffixes; with them, where files differ in nothing else."""
    stems = [name.removesuffix(PurePosixPath(name).suffix) for name in names]
    counts = Counter(stems)
    return [stem if counts[stem] == 1 else name for name, stem in zip(names, stems, strict=True)]
