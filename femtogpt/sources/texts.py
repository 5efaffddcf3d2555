"""Texts: one document per file, with what ``info.csv`` says of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal

from pydantic import Field

from femtogpt.errors import UserError
from femtogpt.sources.archives import members
from femtogpt.sources.base import Document
from femtogpt.sources.encodings import decode
from femtogpt.sources.info import INFO, key_of, years_in
from femtogpt.sources.origin import Origin


class Texts(Origin):
    """What kinds of source that hold text files share."""

    suffixes: ClassVar[frozenset[str]] = frozenset({".txt"})
    not_text: Literal["stop", "reject"] = Field(
        "reject", description="what to do about a file that is not text"
    )

    def documents(self, raw: Path) -> Iterator[Document]:
        """One document per ``.txt``: id its path, title its name, author its folder.

        ``info.csv`` beside the files (``name,year``) adds the year.
        """
        files = {member.name: member.read for member in members(raw)}
        years: dict[tuple[str, str], int] = {}
        for name, read in files.items():
            if PurePosixPath(name).name == INFO:
                years |= years_in(str(PurePosixPath(name).parent), decode(read()) or "")
        found = False
        for name, read in files.items():
            path = PurePosixPath(name)
            if path.suffix.lower() != ".txt":
                continue
            found = True
            text = decode(read())
            if text is None and self.not_text == "stop":
                raise UserError(
                    f"{name} is not text: remove it, or leave such files out with"
                    " sources.<name>.not_text=reject"
                )
            yield Document(
                id=str(path).removesuffix(".txt"),  # .TXT stays: both may be there
                text=text if text is not None else "",
                fault=None if text is not None else "it is not text in a known encoding",
                title=path.stem,
                author=path.parent.name or None,
                year=years.get((str(path.parent), key_of(path.stem))),
            )
        if not found:
            raise UserError(f"{raw}: there is no .txt file in it")


class Files(Texts):
    """A folder or an archive of texts on this machine."""

    kind: Literal["files"] = "files"


class Kaggle(Texts):
    """The texts in a dataset of Kaggle."""

    kind: Literal["kaggle"] = "kaggle"
