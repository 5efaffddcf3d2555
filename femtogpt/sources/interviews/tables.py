"""Turns from rows: CSV, JSON and JSON Lines (chats, dialogues, utterances)."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING, Any

from femtogpt.sources.archives import Member
from femtogpt.sources.compressed import Unsuitable
from femtogpt.sources.formats.columns import listed
from femtogpt.sources.formats.csv_rows import CsvTable
from femtogpt.sources.formats.json_rows import parsed, parsed_lines
from femtogpt.sources.formats.line_stream import opened
from femtogpt.sources.interviews import telegram, whisper
from femtogpt.sources.interviews.captions import dialogue
from femtogpt.sources.interviews.conversations import CONVERSATION, guessed
from femtogpt.sources.interviews.interview import Interview, NoDialogue, about, is_known
from femtogpt.sources.interviews.left_out import OTHER_FIELDS, LeaveOut, leave_out_rest
from femtogpt.sources.interviews.remarks import spoken
from femtogpt.sources.interviews.timed_rows import cues_of, is_clock
from femtogpt.sources.interviews.transcript import transcript
from femtogpt.sources.interviews.turns import Turn

if TYPE_CHECKING:
    from femtogpt.sources.interviews.interviews_source import Interviews

MANY_ROWS = 2000  # that are one conversation are told
log = logging.getLogger(__name__)
TEXT = "text content utterance value message реплика текст sentence transcript line body"
SPEAKER = "speaker speaker_name role from name author user говорящий спикер имя кто персонаж sender"
TURNS = "messages turns conversations conversation utterances dialogue dialog replies lines"
MIN_SENTENCE = 5  # words of a text; fewer with a full stop are a name or an abbreviation
_NO_TEXTS = {"type", "content_type", "role", "id", "url", "image_url", "mime_type"}
_ROLES = {  # the sides of a chat
    "user": "Пользователь",
    "human": "Пользователь",
    "assistant": "Ассистент",
    "gpt": "Ассистент",
    "bot": "Ассистент",
    "model": "Ассистент",
    "system": "Система",
}


def read_csv(file: Member, settings: Interviews) -> Iterator[Interview]:
    """Read the interviews in a CSV file with a header, whatever its delimiter.

    Raises NoDialogue if it is damaged, Unsuitable if no column holds the text.
    """
    texts = {settings.text_column.casefold()} if settings.text_column else set(TEXT.split())
    table = CsvTable(io.StringIO(transcript(file), newline=""), texts)
    width = len(table.header)
    last_is_text = table.header[-1] == _column(table.header, settings.text_column, TEXT)
    rows: list[Mapping[str, Any]] = []
    faults: list[tuple[int, str]] = []
    for row in table:
        fault, cells = row.fault, row.cells
        if len(cells) > width and last_is_text:
            cells = table.with_long_end(cells)
        elif len(cells) > width:
            fault = "there are more fields than columns"
        if fault:
            faults.append((row.line, fault))
            continue
        named = list(zip_longest(table.header, cells))
        _tell_other_texts({name: cell for name, cell in named if not name}, file.leave_out)
        rows.append({name: cell for name, cell in named if name})
    file.mended.extend(table.mended.elements())
    if not rows and faults:
        line, fault = faults[0]
        raise NoDialogue(f"the CSV is damaged after line {line}: {fault}")
    if not rows:
        raise NoDialogue("the CSV has no rows")
    yield from _by_conversation(rows, file, settings)
    for line, why in faults:
        yield Interview([], key=f"line {line}", fault=f"line {line} cannot be read: {why}")


def read_json(file: Member, settings: Interviews) -> Iterator[Interview]:
    """Read Telegram's chats, Whisper's segments, conversations or a list of turns."""
    value, fault = parsed(transcript(file), file.mended)
    yield from _of_json(value, file, settings)
    if fault:
        yield Interview([], key="the rest", fault=f"{fault}; what stands before that is read")


def _of_json(value: Any, file: Member, settings: Interviews) -> Iterator[Interview]:
    if (chats := telegram.chats(value)) is not None:
        yield from telegram.read(chats, settings.silence_hours, file.leave_out)
        return
    segments = whisper.segments(value)
    if segments is not None:
        if isinstance(value, dict) and isinstance(value.get("text"), str):
            parts = "".join(segment["text"] for segment in segments)
            leave_out_rest(file.leave_out, OTHER_FIELDS, value["text"], parts)
        yield whisper.read(segments, file.leave_out, settings.speaker_column)
        return
    if isinstance(value, dict) and _nested(value) is None:
        raise NoDialogue(
            "this JSON contains neither Whisper's segments nor turns;"
            f" it has {', '.join(map(str, value)) or 'nothing'}"
        )
    records = enumerate(value if isinstance(value, list) else [value], 1)
    yield from _of_records(records, file, settings)


def read_json_lines(file: Member, settings: Interviews) -> Iterator[Interview]:
    """Read the interviews in JSON Lines one by one; a damaged line is an interview with a fault.

    Rows that are turns are collected to the end: those of one conversation may be anywhere.
    """
    with opened(file) as lines:
        yield from _of_records(parsed_lines(lines, mended=file.mended), file, settings)


def _of_records(
    records: Iterable[tuple[int, Any]], file: Member, settings: Interviews
) -> Iterator[Interview]:
    records = iter(records)
    first = list(islice(records, 2))
    alone = len(first) == 1
    rows: list[Mapping[str, Any]] = []
    for number, record in chain(first, records):
        nested = _nested(record)
        segments = whisper.segments(record) if isinstance(record, dict) else None
        if isinstance(record, Exception):
            fault = f"line {number} is no JSON: {record}"
            yield Interview([], key=f"line {number}", fault=fault)
        elif segments is not None:
            key = None if alone else _key(record, number)
            interview = whisper.read(segments, file.leave_out, settings.speaker_column)
            yield replace(interview, about=about(record), key=key)
        elif nested is not None:
            yield _of_nested(number, record, nested, file, settings, alone)
        elif isinstance(record, dict):
            rows.append(record)
        else:
            yield Interview([], key=str(number), fault=f"record {number} holds no turns")
    if rows:
        yield from _by_conversation(rows, file, settings)


def _nested(record: Any) -> list[dict] | None:
    """Return the turns in a record that is a whole conversation."""
    candidates = [record]
    if isinstance(record, dict):
        candidates = [record.get(name) for name in TURNS.split()]
    for rows in candidates:
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return rows
    return None


def _of_nested(
    number: int, record: Any, rows: list[dict], file: Member, settings: Interviews, alone: bool
) -> Interview:
    fields = record if isinstance(record, dict) else {}
    key = _key(fields, number)
    try:
        columns = _speech_columns(rows, settings) if rows else (None, "")
        turns = _turns(rows, *columns, file.leave_out)
    except Unsuitable as error:
        return Interview([], key=key, fault=str(error))
    _tell_other_texts(fields, file.leave_out)
    return Interview(turns, about(fields), key=None if alone else key)


def _tell_other_texts(fields: Mapping[Any, Any], leave_out: LeaveOut) -> None:
    """Tell of sentences in fields that are not read."""
    for name, value in fields.items():
        if isinstance(value, str) and _is_sentence(value) and not is_known(name):
            leave_out(OTHER_FIELDS, value)


def _key(fields: Mapping[str, Any], number: int) -> str:
    """Return what identifies a conversation: its id, or else its number in the file."""
    column = _column(fields, None, f"{CONVERSATION} id")
    value = fields[column] if column else None
    return str(value if isinstance(value, str | int) else number)


def _is_sentence(text: str) -> bool:
    ends = text.rstrip(' »")').endswith((".", "!", "?", "…"))
    return ends and len(text.split(maxsplit=MIN_SENTENCE)) >= MIN_SENTENCE


def _by_conversation(
    rows: Sequence[Mapping[str, Any]], file: Member, settings: Interviews
) -> Iterator[Interview]:
    """Yield an interview for each value of the column of conversations, or a single one.

    Raises Unsuitable if a column that the settings name is missing.
    """
    names = _names(rows)
    speech_columns = _speech_columns(rows, settings)
    column = _column(names, settings.document_column, CONVERSATION)
    if column is None and settings.document_column is not None:
        raise _missing(settings.document_column, "document_column", names)
    if column is None and (column := guessed(rows, *speech_columns)) is not None:
        log.warning(
            "%s: its conversations are told apart by the column %r, a guess by its values; set"
            " document_column to that or to another one",
            file.name,
            column,
        )
    if column is None and len(rows) > MANY_ROWS:
        log.warning(
            "%s: its %d rows are one conversation; if they are several, name the column that tells"
            " them apart with document_column",
            file.name,
            len(rows),
        )
    groups: dict[str | None, list[Mapping[str, Any]]] = {}
    for row in rows:
        value = row.get(column) if column else None
        groups.setdefault(None if value in (None, "") else str(value), []).append(row)
    for key, group in groups.items():
        fields = {name: value for name, value in group[0].items() if name not in speech_columns}
        yield Interview(_turns(group, *speech_columns, file.leave_out), about(fields), key)


def _missing(column: str, setting: str, names: Iterable[str]) -> Unsuitable:
    return Unsuitable(
        f"there is no column {column!r}: set {setting} to one of {listed(list(names))}"
    )


def _speech_columns(
    rows: Sequence[Mapping[str, Any]], settings: Interviews
) -> tuple[str | None, str]:
    """Return the columns of the speaker and of the text. Raises Unsuitable."""
    names = _names(rows)
    text = _column(names, settings.text_column, TEXT)
    if text is None:
        column = repr(settings.text_column) if settings.text_column else "known to hold text"
        raise Unsuitable(f"there is no column {column}: set text_column to one of {listed(names)}")
    speaker = _column([name for name in names if name != text], settings.speaker_column, SPEAKER)
    if speaker is None and settings.speaker_column is not None:
        raise _missing(settings.speaker_column, "speaker_column", names)
    return speaker, text


def _column(names: Iterable[str], chosen: str | None, common: str) -> str | None:
    """Return the chosen column or the first of the common ones, in any case; None if missing."""
    names = list(names)
    folded = {str(name).strip().casefold(): name for name in reversed(names)}
    if chosen is not None:
        return chosen if chosen in names else folded.get(chosen.casefold())
    return next((folded[name] for name in common.split() if name in folded), None)


def _names(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _turns(
    rows: Sequence[Mapping[str, Any]], speaker: str | None, text: str, leave_out: LeaveOut
) -> list[Turn]:
    """Convert rows to turns; those with the times of a recording are joined as captions are."""
    if speaker and is_clock(rows, speaker):  # «from» and «to» of a caption
        speaker = None
    names = [_name(row.get(speaker)) if speaker else None for row in rows]
    texts = [_text(row.get(text)) for row in rows]
    for row, said in zip(rows, texts, strict=True):
        leave_out_rest(leave_out, OTHER_FIELDS, "".join(_strings(row.get(text))), said)
    untold = [
        {column: row[column] for column in row if column not in (speaker, text)} for row in rows
    ]
    for fields in untold:
        _tell_other_texts(fields, leave_out)
    captions = cues_of(untold, names, texts)
    if captions is not None:
        return dialogue(captions, leave_out)
    return [
        Turn(name, spoken(said.splitlines(), leave_out))
        for name, said in zip(names, texts, strict=True)
    ]


def _name(value: Any) -> str | None:
    name = str(value).strip() if isinstance(value, str | int) else ""
    return _ROLES.get(name.casefold(), name) or None


def _text(value: Any) -> str:
    """Return a cell's text; in chats it may be a list of paragraphs, or of strings and links."""
    if isinstance(value, list):
        parts = (part.get("text") if isinstance(part, dict) else part for part in value)
        separator = "" if any(isinstance(part, str) for part in value) else "\n"
        return separator.join(part for part in parts if isinstance(part, str))
    return "" if value is None or isinstance(value, dict | bool) else str(value)


def _strings(value: Any) -> Iterator[str]:
    """Yield the strings of a cell, but the names of their types, however deep they are."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _strings(part) if name not in _NO_TEXTS else ()
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
