"""Texts: books and pages, a document for each file; tables, one for each row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from femtogpt.errors import UserError
from femtogpt.sources.archives import Member, Unreadable, is_archive, members
from femtogpt.sources.base import Document
from femtogpt.sources.formats import READERS, TABLES
from femtogpt.sources.formats.columns import NoColumn
from femtogpt.sources.info import is_info, lists_in
from femtogpt.sources.known import Known
from femtogpt.sources.origin import Origin


class Texts(Origin):
    """What kinds of source that hold texts share."""

    suffixes: ClassVar[frozenset[str]] = frozenset(READERS)
    not_text: Literal["stop", "reject"] = Field(
        "reject", description="what to do about a file that cannot be read"
    )
    text_column: str = Field("text", description="of tables: the column with the texts")
    columns: dict[Literal["id", "title", "author", "year", "url", "licence"], str] = Field(
        {}, description="of tables: what is known of a text, to its column; default: of that name"
    )

    def documents(self, raw: Path) -> Iterator[Document]:
        """A document for each file, id its path without the suffix, and for each row of a table.

        What is known of a work is taken from ``info.csv`` beside it, or else from the file
        itself, from its name or from the folder. A table without texts is the wrong setting,
        unless other files have some.
        """
        files = list(members(raw))
        lists = lists_in(files)
        files = [file for file in files if _is_read(file)]
        if not files:
            kinds = ", ".join(sorted(READERS))
            raise UserError(f"{raw}: there is no {kinds} file in it")
        known = Known([file.name for file in files if _is_work(file)], lists)
        used: set[str] = set()
        wrong: list[UserError] = []
        nothing = True
        for file in files:
            for document in self._read(file, wrong):
                nothing = nothing and document.fault is not None
                if document.fault and self.not_text == "stop":
                    raise UserError(
                        f"{file.name} cannot be read ({document.fault}): remove it, or leave such"
                        " files out with sources.<name>.not_text=reject"
                    )
                if document.id == file.name:
                    document = known.completed(document)
                yield _unique(document, used)
        if wrong and nothing:
            raise wrong[0]

    def _read(self, file: Member, wrong: list[UserError]) -> Iterator[Document]:
        """The documents in a file; one with a fault where it cannot be read.

        What may be a wrong setting is added to ``wrong``, too.
        """
        try:
            if is_archive(file.name):
                file.read()  # which tells why it is not looked into
            nothing = True
            for document in READERS[file.suffix](file, self):
                nothing = False
                yield document
            if nothing:
                yield Document(file.name, "", fault="it has no rows")
        except NoColumn as error:
            wrong.append(UserError(f"{file.name}: {error}"))
            yield Document(file.name, "", fault=str(error))
        except Unreadable as error:
            yield Document(file.name, "", fault=str(error))
        except RecursionError:
            yield Document(file.name, "", fault="its parts lie too deep in one another")


class Files(Texts):
    """A file, a folder or an archive of texts on this machine."""

    kind: Literal["files"] = "files"


class Kaggle(Texts):
    """The texts in a dataset of Kaggle."""

    kind: Literal["kaggle"] = "kaggle"


def _is_read(file: Member) -> bool:
    """Whether it is a text, or an archive that could not be looked into."""
    return (file.suffix in READERS and not is_info(file.path.name)) or is_archive(file.name)


def _is_work(file: Member) -> bool:
    return file.suffix in READERS.keys() - TABLES.keys()


def _unique(document: Document, used: set[str]) -> Document:
    """The document, its id numbered where another one has it."""
    name, number = document.id, 1
    while name in used:
        number += 1
        name = f"{document.id}#{number}"
    used.add(name)
    return document if number == 1 else replace(document, id=name)
