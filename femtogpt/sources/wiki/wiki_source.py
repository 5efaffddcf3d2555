"""Wikipedia as a source: its dumps, and extracts that others have made of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from femtogpt.parallel import processes
from femtogpt.sources.archives import Member
from femtogpt.sources.base import Document
from femtogpt.sources.catalogue import Catalogue
from femtogpt.sources.reader import Format, Reader, ReadFile
from femtogpt.sources.wiki import wiki_formats
from femtogpt.sources.wiki.article import Choice


class Wiki(Reader):
    """Articles of a wiki, from MediaWiki dumps or from extracts in Parquet or JSON Lines.

    Ids are page ids. Redirects, disambiguations, talk, templates and other pages that are not
    articles are skipped. The whole pages of a damaged dump are read up to the damage, with a
    warning.
    """

    kind: Literal["wiki"] = "wiki"
    formats: ClassVar[dict[str, Format]] = {
        ".xml": wiki_formats.read_dump,
        ".7z": wiki_formats.read_dump,
        ".wikitext": wiki_formats.read_wikitext,
        ".parquet": wiki_formats.read_parquet,
        ".jsonl": wiki_formats.read_json_lines,
        ".ndjson": wiki_formats.read_json_lines,
        ".json": wiki_formats.read_json_lines,
    }
    as_stored: ClassVar[bool] = True  # warnings name the byte of the file at which it is cut off
    stops_if_all_damaged: ClassVar[bool] = True
    lists: bool = Field(False, description="also articles that list others: «Список …»")
    references: bool = Field(
        False,
        description="also sections of references: «Примечания», «Литература», «Ссылки»,"
        " «См. также», «Источники»",
    )

    @contextmanager
    def file_reader(self) -> Iterator[ReadFile]:
        with processes() as spread:
            choice = Choice(self.lists, self.references)
            yield lambda file: self.formats[file.suffix](file, choice, spread)

    def completed(self, document: Document, file: Member, catalogue: Catalogue) -> Document:
        """Name the file, which tells apart the pages of several wikis with the same id."""
        return replace(document, file=file.name)
