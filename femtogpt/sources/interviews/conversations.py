"""Which column tells the conversations of a table apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

CONVERSATION = """conversation_id conversation dialogue_id dialogue dialog_id dialog interview_id
    interview episode_id episode document_id document doc_id doc session_id thread_id video_id"""
LIKELY = """url link source file filename file_name path title name id guest interviewee show chat
    chat_id video audio call recording record key ссылка источник файл название заголовок выпуск
    номер интервью беседа гость респондент разговор диалог запись"""
PARTS = """page part chapter section topic language lang emotion category type label segment scene
    act страница часть глава раздел тема язык"""  # of a conversation, or kinds of turns
MIN_RUN = 2  # rows of a conversation
MIN_SHARE = 0.8  # of the conversations have so many rows, and a change of speaker


def guessed(rows: Sequence[Mapping[str, Any]], speaker: str | None, text: str) -> str | None:
    """Guess the column by its values; None if there is none.

    Each value fills consecutive rows, there are several values, and nearly all of them have
    several rows, with more than one speaker. Of several such columns the one with a likely name
    counts, then the one with the most values.
    """
    columns = dict.fromkeys(name for row in rows for name in row)
    candidates = []
    for place, column in enumerate(columns):
        name = str(column).strip().casefold()
        if column in (speaker, text) or name in PARTS.split():
            continue
        if count := _conversations(rows, column, speaker):
            candidates.append((name not in LIKELY.split(), -count, place, column))
    return min(candidates)[-1] if candidates else None


def _conversations(rows: Sequence[Mapping[str, Any]], column: Any, speaker: str | None) -> int:
    """Count the conversations that a column tells apart; 0 if it does not."""
    runs = [(value, list(run)) for value, run in groupby(rows, lambda row: _value(row.get(column)))]
    values = {value for value, _ in runs}
    if not 1 < len(values) == len(runs) or None in values:
        return 0
    whole = sum(1 for _, run in runs if _is_conversation(run, speaker))
    return len(runs) if whole >= MIN_SHARE * len(runs) else 0


def _is_conversation(run: Sequence[Mapping[str, Any]], speaker: str | None) -> bool:
    names = {str(row.get(speaker)) for row in run} if speaker else set()
    return len(run) >= MIN_RUN and (speaker is None or len(names) > 1)


def _value(value: Any) -> str | None:
    """Return a cell as a key; None if it is empty, or no value that could tell anything apart."""
    return str(value).strip() or None if isinstance(value, str | int | float) else None
