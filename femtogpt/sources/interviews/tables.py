"""Turns from rows: CSV, JSON and lines of JSON (chats, dialogues, utterances)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

from femtogpt.errors import UserError
from femtogpt.sources.formats.stream import is_broken
from femtogpt.sources.interviews import whisper
from femtogpt.sources.interviews.interview import Interview, NoDialogue, about
from femtogpt.sources.interviews.remarks import spoken
from femtogpt.sources.interviews.turns import Turn

TEXT = "text content utterance value message реплика текст sentence transcript line body"
SPEAKER = "speaker speaker_name role from name author user говорящий спикер имя кто персонаж sender"
CONVERSATION = """conversation_id conversation dialogue_id dialogue dialog_id dialog interview_id
    interview episode_id episode document_id document doc_id doc session_id thread_id video_id"""
TURNS = "messages turns conversations conversation utterances dialogue dialog replies lines"
_ROLES = {  # what a chat's rows call its sides
    "user": "Пользователь",
    "human": "Пользователь",
    "assistant": "Ассистент",
    "gpt": "Ассистент",
    "bot": "Ассистент",
    "model": "Ассистент",
    "system": "Система",
}


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that the settings name; None: they are found by common names."""

    speaker: str | None = None
    text: str | None = None


def of_csv(text: str, columns: Columns) -> Iterator[Interview]:
    """The interviews in a CSV file with a header, whatever its delimiter.

    Raises NoDialogue where it is damaged, UserError where no column holds the text.
    """
    csv.field_size_limit(2**31 - 1)
    head = text.lstrip("\n").split("\n", 1)[0]
    delimiter = max(",;\t|", key=head.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        last_is_text = (rows.fieldnames or [None])[-1] == _column(
            filter(None, rows.fieldnames or ()), columns.text, TEXT
        )
        found = []
        for row in rows:
            more = row.pop(None, None)
            if more and any(more):  # a delimiter in a text that is not quoted
                if not last_is_text:
                    raise csv.Error("there are more fields than columns")
                row[rows.fieldnames[-1]] = delimiter.join([row[rows.fieldnames[-1]], *more])
            found.append({name: value for name, value in row.items() if name})
    except csv.Error as error:
        raise NoDialogue(f"the CSV is damaged after line {rows.line_num}: {error}") from error
    if not found:
        raise NoDialogue("the CSV has no rows")
    yield from _by_conversation(found, columns)


def of_json(value: Any, columns: Columns) -> Iterator[Interview]:
    """The interviews in a JSON value: one conversation, a list of them, or a list of turns."""
    if isinstance(value, dict) and _nested(value) is None:
        raise NoDialogue(
            "neither Whisper's segments nor turns are in this JSON;"
            f" it has {', '.join(map(str, value)) or 'nothing'}"
        )
    records = value if isinstance(value, list) else [value]
    yield from _of_records(((str(n), record) for n, record in enumerate(records, 1)), columns)


def of_lines(lines: Iterable[str], columns: Columns) -> Iterator[Interview]:
    """The interviews in lines of JSON, as they come; a damaged line is told as such.

    Rows that are turns are gathered until the end: a conversation's may stand anywhere.
    """
    yield from _of_records(_parsed(lines), columns)


def _parsed(lines: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """The values with their lines' numbers; an Interview with a fault for a damaged line."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            if is_broken(line):
                raise ValueError("there are bytes of another encoding")
            yield str(number), json.loads(line)
        except (ValueError, RecursionError) as error:
            fault = f"line {number} is no JSON: {error}"
            yield str(number), Interview([], key=f"line {number}", fault=fault)


def _of_records(records: Iterable[tuple[str, Any]], columns: Columns) -> Iterator[Interview]:
    records = iter(records)
    first = list(islice(records, 2))
    alone = len(first) == 1
    rows = []
    for number, record in chain(first, records):
        nested = _nested(record)
        segments = whisper.segments(record) if isinstance(record, dict) else None
        if isinstance(record, Interview):
            yield record
        elif segments is not None:
            key = None if alone else _key(record, number)
            yield replace(whisper.read(segments, columns.speaker), about=about(record), key=key)
        elif nested is not None:
            yield _of_nested(number, record, nested, columns, alone)
        elif isinstance(record, dict):
            rows.append(record)
        else:
            yield Interview([], key=number, fault=f"record {number} holds no turns")
    if rows:
        yield from _by_conversation(rows, columns)


def _nested(record: Any) -> list[dict] | None:
    """The turns inside a record that is a whole conversation."""
    lists = [record] if isinstance(record, list) else []
    if isinstance(record, dict):
        lists = [record.get(name) for name in TURNS.split()]
    for rows in lists:
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return rows
    return None


def _of_nested(
    number: str, record: Any, rows: list[dict], columns: Columns, alone: bool
) -> Interview:
    fields = record if isinstance(record, dict) else {}
    key = _key(fields, number)
    try:
        turns = _turns(rows, columns)
    except UserError as error:
        return Interview([], key=key, fault=str(error))
    return Interview(turns, about(fields), key=None if alone else key)


def _key(fields: Mapping[str, Any], number: str) -> str:
    """What tells a conversation from others: its id, or else its place."""
    column = _column(fields, None, f"{CONVERSATION} id")
    return str(fields[column]) if column and isinstance(fields[column], str | int) else number


def _by_conversation(rows: Sequence[Mapping[str, Any]], columns: Columns) -> Iterator[Interview]:
    """An interview for each value of the column that tells conversations, or a single one."""
    column = _column(_names(rows), None, CONVERSATION)
    groups: dict[str | None, list[Mapping[str, Any]]] = {}
    for row in rows:
        value = row.get(column) if column else None
        groups.setdefault(None if value in (None, "") else str(value), []).append(row)
    found = _found(rows, columns)
    for key, group in groups.items():
        fields = {name: value for name, value in group[0].items() if name not in found}
        yield Interview(list(_said(group, *found)), about(fields), key)


def _turns(rows: Sequence[Mapping[str, Any]], columns: Columns) -> list[Turn]:
    return list(_said(rows, *_found(rows, columns))) if rows else []


def _found(rows: Sequence[Mapping[str, Any]], columns: Columns) -> tuple[str | None, str]:
    """(speaker, text): the columns that hold them. Raises UserError."""
    names = _names(rows)
    listed = ", ".join(names)
    text = _column(names, columns.text, TEXT)
    if text is None:
        wanted = f"no column {columns.text!r}" if columns.text else "no column known to hold text"
        raise UserError(f"there is {wanted}: set text_column to one of {listed}")
    speaker = _column([name for name in names if name != text], columns.speaker, SPEAKER)
    if speaker is None and columns.speaker is not None:
        raise UserError(
            f"there is no column {columns.speaker!r}: set speaker_column to one of {listed}"
        )
    return speaker, text


def _column(names: Iterable[str], chosen: str | None, known: str) -> str | None:
    """The chosen column, or the first of the known ones, whatever its case; None if not there."""
    names = list(names)
    if chosen is not None:
        return chosen if chosen in names else None
    folded = {str(name).strip().casefold(): name for name in names}
    return next((folded[name] for name in known.split() if name in folded), None)


def _names(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _said(rows: Iterable[Mapping[str, Any]], speaker: str | None, text: str) -> Iterator[Turn]:
    for row in rows:
        name = row.get(speaker) if speaker else None
        name = str(name).strip() if isinstance(name, str | int) else ""
        yield Turn(
            _ROLES.get(name.casefold(), name) or None, spoken(_text(row.get(text)).splitlines())
        )


def _text(value: Any) -> str:
    """A cell's text; chats may hold a list of paragraphs, or of strings mixed with links."""
    if isinstance(value, list):
        parts = (part.get("text") if isinstance(part, dict) else part for part in value)
        between = "" if any(isinstance(part, str) for part in value) else "\n"
        return between.join(part for part in parts if isinstance(part, str))
    return "" if value is None or isinstance(value, dict | bool) else str(value)
