"""Interviews: transcripts, plays, captions, what Whisper writes, chats."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from femtogpt.errors import UserError
from femtogpt.sources.archives import Member, Unreadable, is_archive, members
from femtogpt.sources.base import Document
from femtogpt.sources.encodings import decode
from femtogpt.sources.formats.stream import opened
from femtogpt.sources.info import is_info, lists_in
from femtogpt.sources.interviews import captions, markdown, plain, tables, whisper
from femtogpt.sources.interviews.interview import Interview, NoDialogue
from femtogpt.sources.interviews.spelling import unified
from femtogpt.sources.interviews.tables import Columns
from femtogpt.sources.interviews.turns import Speakers, joined, shown, written
from femtogpt.sources.known import Known
from femtogpt.sources.origin import Origin

MARKDOWN, CAPTIONS = {".md", ".markdown"}, {".srt", ".vtt"}
LINES, TABLES = {".jsonl", ".ndjson"}, {".csv", ".tsv"}


class Interviews(Origin):
    """Files of people's talk, one document each; the form is told in ``interviews.turns``.

    Read are ``Имя: реплика`` and dialogues in dashes (.txt), questions and answers in Markdown
    (.md), captions (.srt, .vtt), the JSON of Whisper, WhisperX and whisper.cpp, and turns as
    rows or lists (.csv, .tsv, .json, .jsonl): of those, one document for each conversation.
    """

    kind: Literal["interviews"] = "interviews"
    suffixes: ClassVar[frozenset[str]] = frozenset(
        {".txt", ".json", *MARKDOWN, *CAPTIONS, *LINES, *TABLES}
    )
    speakers: Speakers = Field(
        "names", description="how a turn begins: ▸ and the name, ▸ and a letter, or a dash (none)"
    )
    speaker_column: str | None = Field(
        None, description="of rows and segments: who speaks; default: found by common names"
    )
    text_column: str | None = Field(
        None, description="of rows: what is said; default: found by common names"
    )

    def documents(self, raw: Path) -> Iterator[Document]:
        """A document for each file, id its path without the suffix, or for each conversation.

        An ``info.csv`` beside the files may tell their titles, authors and years. Rows without a
        column of speech are the wrong setting, unless others have one.
        """
        found = list(members(raw))
        lists = lists_in(found)
        files = [file for file in found if self._is_read(file)]
        if not files:
            kinds = ", ".join(sorted(self.suffixes))
            raise UserError(f"{raw}: there is no file of a known kind in it: give {kinds}")
        known = Known([file.name for file in files], lists)
        wrong: list[UserError] = []
        nothing = True
        for file in files:
            used: Counter[str] = Counter()
            for interview in self._interviews(file, wrong):
                nothing = nothing and interview.fault is not None
                document = known.completed(self._document(file, interview))
                name = document.id + ("" if interview.key is None else f"#{interview.key}")
                used[name] += 1
                number = "" if used[name] == 1 else f"#{used[name]}"
                yield replace(document, id=_encodable(name + number))
        if wrong and nothing:
            raise wrong[0]

    def _is_read(self, file: Member) -> bool:
        """Whether it is of a known kind, or an archive that could not be looked into."""
        known = file.suffix in self.suffixes and not is_info(file.path.name)
        return known or is_archive(file.name)

    def _interviews(self, file: Member, wrong: list[UserError]) -> Iterator[Interview]:
        """The interviews in a file; one with a fault where it cannot be read.

        What may be a wrong setting is added to ``wrong``, too.
        """
        try:
            nothing = True
            for interview in self._read(file):
                nothing = False
                yield interview
            if nothing:
                raise NoDialogue("there is no speech in it")
        except (Unreadable, NoDialogue) as error:
            yield Interview([], fault=str(error))
        except UserError as error:
            wrong.append(UserError(f"{file.name}: {error}"))
            yield Interview([], fault=str(error))

    def _read(self, file: Member) -> Iterator[Interview]:
        columns, suffix = Columns(self.speaker_column, self.text_column), file.suffix
        if suffix in LINES:  # which may be more than memory holds
            with opened(file) as lines:
                yield from tables.of_lines(lines, columns)
            return
        text = decode(file.read())
        if text is None:
            raise NoDialogue("it is not text in a known encoding")
        if not text.strip():
            raise NoDialogue("the file is empty")
        yield from self._of_text(suffix, text.replace("\r\n", "\n").replace("\r", "\n"), columns)

    def _of_text(self, suffix: str, text: str, columns: Columns) -> Iterable[Interview]:
        if suffix in CAPTIONS:
            return [captions.read(text)]
        if suffix in TABLES:
            return tables.of_csv(text, columns)
        if suffix != ".json":
            return [markdown.read(text) if suffix in MARKDOWN else plain.read(text)]
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise NoDialogue(f"the JSON is damaged: {error}") from error
        segments = whisper.segments(value)
        if segments is not None:
            return [whisper.read(segments, self.speaker_column)]
        return tables.of_json(value, columns)

    def _document(self, file: Member, interview: Interview) -> Document:
        turns = shown(joined(unified(interview.turns)), self.speakers)
        names = dict.fromkeys(turn.speaker for turn in turns if turn.speaker)
        about = interview.about
        text = _encodable(written(turns, self.speakers))
        return Document(
            id=file.name,
            text=text,
            title=_encodable(about.title),
            author=_encodable(about.interviewee or about.author),
            year=about.year,
            speaker=None if self.speakers == "none" else _encodable(", ".join(names)) or None,
            url=_encodable(about.url),
            fault=interview.fault or (None if text else "there is no speech in it"),
        )


def _encodable(text: str | None) -> str | None:
    """Text without the halves of characters that JSON can hold and UTF-8 cannot."""
    return text and text.encode(errors="ignore").decode()
