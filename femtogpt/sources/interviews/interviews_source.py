"""Interviews: transcripts, plays, captions, the output of Whisper, chats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from femtogpt.sources.archives import Member
from femtogpt.sources.base import Document
from femtogpt.sources.catalogue import Catalogue
from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.formats.line_stream import whole_characters
from femtogpt.sources.interviews import captions, markdown, plain, tables, vk
from femtogpt.sources.interviews.interview import Interview
from femtogpt.sources.interviews.spelling import unified
from femtogpt.sources.interviews.turns import Speakers, joined, shown, written
from femtogpt.sources.reader import Format, Reader, ReadFile

NO_SPEECH = "there is no speech in it"
MAX_KINDS = 3  # of what is left out, in the fault of a file without speech


class Interviews(Reader):
    """Conversations as documents, in the form that ``interviews.turns`` describes.

    A file is one document, or, if it is a table, JSON or a chat, each conversation in it is one.
    """

    kind: Literal["interviews"] = "interviews"
    formats: ClassVar[dict[str, Format]] = {  # these yield Interviews
        ".txt": plain.read,
        ".md": markdown.read,
        ".markdown": markdown.read,
        ".srt": captions.read,
        ".vtt": captions.read,
        ".html": vk.read,
        ".csv": tables.read_csv,
        ".tsv": tables.read_csv,
        ".json": tables.read_json,
        ".jsonl": tables.read_json_lines,
        ".ndjson": tables.read_json_lines,
    }
    speakers: Speakers = Field(
        "names", description="how a turn begins: ▸ and the name, ▸ and a letter, or a dash (none)"
    )
    speaker_column: str | None = Field(
        None, description="in rows and segments: who speaks; default: found by common names"
    )
    text_column: str | None = Field(
        None, description="in rows: what is said; default: found by common names"
    )
    document_column: str | None = Field(
        None,
        description="in rows: the column whose values tell conversations apart;"
        " default: found by common names, or guessed",
    )
    silence_hours: float = Field(
        4, gt=0, description="in chats: a silence this long, or another day, begins a new document"
    )
    own_name: str | None = Field(
        None, description="in VK's archive: the name of the person whose archive it is; default: Вы"
    )

    def chosen(self, files: list[Member]) -> list[Member]:
        """Put the pages of each chat together; other pages are left out."""
        return vk.joined_pages(files)

    @contextmanager
    def file_reader(self) -> Iterator[ReadFile]:
        yield self._documents

    def _documents(self, file: Member) -> Iterator[Document]:
        """Convert the interviews in a file. Raises Unreadable if there are none."""
        is_empty = True
        for interview in self.formats[file.suffix](file, self):
            is_empty = False
            yield self._document(file, interview)
        if is_empty:
            raise Unreadable(_no_speech(file))

    def completed(self, document: Document, file: Member, catalogue: Catalogue) -> Document:
        """Add what the catalogue has on the file; its id begins those of its conversations."""
        key = document.id.removeprefix(file.name)
        completed = catalogue.completed(replace(document, id=file.name))
        return replace(completed, id=_encodable(completed.id + key))

    def _document(self, file: Member, interview: Interview) -> Document:
        turns = shown(joined(unified(interview.turns)), self.speakers)
        names = dict.fromkeys(turn.speaker for turn in turns if turn.speaker)
        about = interview.about
        text = whole_characters(written(turns, self.speakers), file.mended)
        return Document(
            id=file.name if interview.key is None else f"{file.name}#{interview.key}",
            text=text,
            title=_encodable(about.title or "") or None,
            author=_encodable(about.interviewee or about.author or "") or None,
            year=about.year,
            speaker=None if self.speakers == "none" else _encodable(", ".join(names)) or None,
            url=_encodable(about.url or "") or None,
            fault=interview.fault or (None if text else _no_speech(file, interview.key is None)),
        )


def _no_speech(file: Member, is_whole: bool = True) -> str:
    """Say that there is no speech, and of a whole file what there is in its place."""
    if not is_whole:
        return NO_SPEECH
    kinds = Counter(file.mended).most_common(MAX_KINDS)
    others = "; ".join(f"{kind}: {count}" for kind, count in kinds)
    return f"{NO_SPEECH}{f' ({others})' if others else ''}"


def _encodable(text: str) -> str:
    """Remove the halves of characters that JSON can contain and UTF-8 cannot."""
    return text.encode(errors="ignore").decode()
