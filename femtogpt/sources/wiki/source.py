"""Wikipedia as a source: its dumps, and extracts that others have made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, ClassVar, Literal

from pydantic import Field

from femtogpt.errors import UserError
from femtogpt.parallel import processes
from femtogpt.sources.archives import Unreadable, is_archive, members
from femtogpt.sources.base import Document
from femtogpt.sources.compressed import COMPRESSED
from femtogpt.sources.origin import Origin
from femtogpt.sources.wiki.article import Choice
from femtogpt.sources.wiki.ids import Ids
from femtogpt.sources.wiki.reading import SUFFIXES, documents_in, suffix


class Wiki(Origin):
    """Articles of a wiki, from MediaWiki dumps or from extracts in Parquet or JSON Lines."""

    suffixes: ClassVar[frozenset[str]] = SUFFIXES
    kind: Literal["wiki"] = "wiki"
    lists: bool = Field(False, description="also articles that list others: «Список …»")
    references: bool = Field(
        False,
        description="also sections of references: «Примечания», «Литература», «Ссылки»,"
        " «См. также», «Источники»",
    )

    def documents(self, raw: Path) -> Iterator[Document]:
        """The articles, in the order of the files and of the pages in them; ids are page ids.

        Redirects, disambiguations, talk, templates and other pages that are no articles are left
        out. Of a dump that is cut off or damaged, the whole pages before that are taken, with a
        warning. A file that is neither a dump nor an extract is a document with that fault, and a
        UserError where it is the only one.
        """
        ids = Ids()
        choice = Choice(self.lists, self.references)
        files = [file for file in _files(raw) if suffix(file[0]) in SUFFIXES or is_archive(file[0])]
        if not files:
            raise UserError(
                f"{raw}: there is no dump or extract in it: {', '.join(sorted(SUFFIXES))}"
            )
        with processes() as spread:
            for name, open_file in files:
                try:
                    with open_file() as stream:
                        for document in documents_in(name, stream, choice, spread):
                            yield ids.unique(document, name)
                except (Unreadable, UserError) as error:
                    if len(files) == 1:
                        if isinstance(error, UserError):
                            raise
                        raise UserError(
                            f"{name} cannot be read ({error}): get a whole copy of it"
                        ) from error
                    yield ids.unique(Document(name, "", fault=str(error)), name)


def _files(raw: Path) -> Iterator[tuple[str, Callable[[], BinaryIO]]]:
    """The files below ``raw`` as they are on the disk, then those in archives, decompressed.

    As they are: so what precedes a cut in a compressed file is had to the last byte. An archive
    that is still one could not be looked into, and opening it tells why.
    """
    paths = [path for path in sorted(raw.rglob("*")) if path.is_file()]
    loose = [path for path in paths if not is_archive(path.name)]
    for path in loose:
        yield path.relative_to(raw).as_posix(), partial(path.open, "rb")
    if len(loose) < len(paths):
        on_disk = {_name(path.relative_to(raw)) for path in loose}
        for member in members(raw):
            if member.name not in on_disk:
                yield member.name, member.open


def _name(path: Path) -> str:
    """As ``members`` names a file."""
    name = path.as_posix()
    return name[: -len(path.suffix)] if path.suffix.lower() in COMPRESSED else name
