"""Sources of files: everything that reading them has in common, whatever their formats.

``Reader`` finds the files below a folder and in the archives there, passes each to the function
that reads its format, reports what cannot be read, and completes the documents with what an
``info.csv`` and the file names say. A kind of source states its formats::

    class Letters(Reader):
        kind: Literal["letters"] = "letters"
        formats = {".eml": read_letter}

    def read_letter(file: Member, settings: Letters) -> Iterator[Document]:
        yield Document(file.name, file.read().decode())

Such a function gets one file (``Member``: ``name``, ``read()``, ``open()``) and the settings. It
yields a ``Document`` with the id ``file.name`` if the file is one document, or ids of its own. It
raises ``Unreadable`` with the reason if the file is damaged, and ``Unsuitable`` if the settings
may be wrong, as with a table that lacks the column of texts. CSV, JSON and Parquet are parsed in
formats/csv_rows.py, json_rows.py and parquet_rows.py.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from femtogpt.errors import UserError
from femtogpt.sources.archives import Member, Unreadable, is_archive, members
from femtogpt.sources.base import Document
from femtogpt.sources.catalogue import Catalogue
from femtogpt.sources.compressed import Unsuitable
from femtogpt.sources.file_source import FileSource
from femtogpt.sources.info import is_info, lists_in
from femtogpt.sources.reading_summary import ReadingSummary

Format = Callable[..., Iterator[Any]]
ReadFile = Callable[[Member], Iterator[Document]]
log = logging.getLogger(__name__)


class Reader(FileSource):
    """A source of files from a ``path`` or a ``dataset``, read by their formats."""

    formats: ClassVar[Mapping[str, Format]]  # the registry: a suffix to the function that reads it
    tables: ClassVar[frozenset[str]] = frozenset()  # suffixes of files with a document for each row
    as_stored: ClassVar[bool] = False  # compressed files are passed to their formats as they are
    stops_if_all_damaged: ClassVar[bool] = False  # with an error, not only faults
    tells_faults: ClassVar[bool] = True  # in a line at the end, not only in documents
    not_text: Literal["stop", "reject"] = Field(
        "reject", description="what to do about a file that cannot be read"
    )

    @contextmanager
    def file_reader(self) -> Iterator[ReadFile]:
        """Give the function that reads one file; open for as long as files are read.

        A kind overrides this to convert what its formats yield, or to share a pool of processes.
        """
        yield lambda file: self.formats[file.suffix](file, self)

    def chosen(self, files: list[Member]) -> list[Member]:
        """Return the files to read; a kind overrides this where several are parts of one."""
        return files

    def completed(self, document: Document, file: Member, catalogue: Catalogue) -> Document:
        """Add what the catalogue knows about a document that is a whole file."""
        return catalogue.completed(document) if document.id == file.name else document

    def documents(self, raw: Path) -> Iterator[Document]:
        """Yield the documents of each file, in the order of the files' paths.

        A file that cannot be read is a document with a fault; what is mended in others or left out
        is told in one line at the end, and so is what of an archive is not read. Raises UserError
        if there is no file to read, if ``not_text`` is ``stop`` and there is a fault, and if a file
        is unsuitable and nothing else can be read: then the settings are wrong.
        """
        present = list(members(raw, self.as_stored))
        files = self.chosen([file for file in present if self._is_read(file)])
        if not files:
            reasons = ", ".join(sorted({kind for file in present for kind in file.mended}))
            raise UserError(
                f"{raw}: there is no file of a known kind in it{reasons and f' ({reasons})'}: give"
                f" {', '.join(sorted(self.formats))}"
            )
        kinds = self.formats.keys() - self.tables
        works = [file.name for file in files if file.suffix in kinds and not file.is_replaced]
        catalogue = Catalogue(works, lists_in(present))
        errors: list[UserError] = []
        any_readable = False
        summary = ReadingSummary(str(self.path or self.dataset))
        others = (file.path for file in present if not self._is_read(file))
        summary.tell_left_out(path for path in others if not is_info(path.name))
        for file in present:
            if file.is_mended:  # lists, files not chosen
                form = file.path.name if is_info(file.path.name) else file.suffix
                summary.add_mended(form, file.mended, file.letters)
        unread = deque(files)
        del present, files, works  # a file is given up once it is read: there may be 100,000
        with self.file_reader() as read_file:
            while unread:
                file = unread.popleft()
                is_readable = False
                for document in self._with_faults(file, read_file, errors):
                    if document.fault is None:
                        is_readable = any_readable = True
                    elif self.not_text == "stop":
                        raise UserError(
                            f"{file.name} cannot be read ({document.fault}): remove it, or leave"
                            " such files out with sources.<name>.not_text=reject"
                        )
                    elif self.tells_faults:
                        summary.add_fault(file.suffix, document.fault)
                    if file.is_mended and document.id == file.name:
                        document = replace(document, mended=tuple(file.mended))
                    yield self.completed(document, file, catalogue)
                if is_readable:
                    summary.add_mended(file.suffix, file.mended, file.letters)
        summary.tell()
        if errors and not any_readable:
            raise errors[0]

    def _is_read(self, file: Member) -> bool:
        """Whether its format is known, or it is an archive that could not be opened."""
        is_known = file.suffix in self.formats and not is_info(file.path.name)
        return is_known or is_archive(file.name)

    def _with_faults(
        self, file: Member, read_file: ReadFile, errors: list[UserError]
    ) -> Iterator[Document]:
        """Yield a file's documents; if it cannot be read, a document with the reason.

        ``errors`` collects what to raise if nothing can be read at all.
        """
        try:
            if is_archive(file.name):
                file.read()  # raises the reason why it could not be opened
            yield from read_file(file)
        except Unreadable as error:
            if isinstance(error, Unsuitable):
                errors.append(UserError(f"{file.name}: {error}"))
            elif self.stops_if_all_damaged:
                advice = "get a whole copy of it"
                errors.append(UserError(f"{file.name} cannot be read ({error}): {advice}"))
            yield Document(file.name, "", fault=" ".join(str(error).split()))  # one line
        except RecursionError:
            yield Document(file.name, "", fault="it is nested too deeply")
        except UserError:
            raise
        except Exception as error:  # of a parser or of ours: the other files are read all the same
            log.debug("%s", file.name, exc_info=True)
            fault = f"reading failed: {type(error).__name__}: {error}"
            yield Document(file.name, "", fault=" ".join(fault.split())[:300])
