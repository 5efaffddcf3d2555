"""Captions as rows: JSON or a table with the seconds at which each line is spoken."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from femtogpt.sources.interviews.cues import Cue

START = """start start_time starttime start_ms tstartms start_seconds begin ts time timestamp offset
    t from начало время старт"""
END = "end end_time endtime end_ms end_seconds stop to конец"
DURATION = "duration dur length ddurationms"
MAX_STEP_SECONDS = 30.0  # between captions, by the median; messages of a chat are further apart
MAX_HOURS = 24  # that a recording lasts: larger numbers are dates
MIN_MILLISECONDS = 300.0  # a median step from which the numbers are no seconds
_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):(\d{1,2}(?:[.,]\d{1,6})?)")
_NUMBER = re.compile(r"(\d+(?:[.,]\d+)?)\s*s?")


def cues_of(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str | None], texts: Sequence[str]
) -> list[Cue] | None:
    """Convert rows to captions, with what is said and by whom; None if they have no such times."""
    columns = {str(name).strip().casefold(): name for row in rows for name in row}
    starts = _seconds(rows, columns, START)
    if starts is None:
        return None
    ends = _seconds(rows, columns, END)
    lengths = _seconds(rows, columns, DURATION)
    if ends is None and lengths is not None:
        ends = [start + length for start, length in zip(starts, lengths, strict=True)]
    steps = [after - before for before, after in pairwise(starts)]
    step = median(steps) if steps else 0.0
    scale = 1000.0 if step >= MIN_MILLISECONDS else 1.0
    if min(steps, default=0) < 0 or not 0 < step <= MAX_STEP_SECONDS * scale:
        return None
    if starts[-1] > MAX_HOURS * 3600 * scale:
        return None
    result = []
    for row, (name, text) in enumerate(zip(names, texts, strict=True)):
        lines = [" ".join(line.split()) for line in text.splitlines()]
        voice = [f"<v {name}>"] if name else []
        end = ends[row] / scale if ends else None
        spoken = tuple([*voice, *filter(None, lines)])
        result.append(Cue(starts[row] / scale, end, spoken, text))
    return result


def is_clock(rows: Sequence[Mapping[str, Any]], column: Any) -> bool:
    """Whether a column holds nothing but times such as «00:01:02»."""
    values = (row.get(column) for row in rows)
    return all(isinstance(value, str) and _CLOCK.fullmatch(value.strip()) for value in values)


def _seconds(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Any], names: str
) -> list[float] | None:
    """Return the times in the first of these columns in which each row has one."""
    for name in names.split():
        if name in columns:
            times = [_time(row.get(columns[name])) for row in rows]
            present = [time for time in times if time is not None]
            if len(present) == len(times):
                return present
    return None


def _time(value: Any) -> float | None:
    """Return a time in the unit of its column; None if it is no time of a recording."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    text = value.strip() if isinstance(value, str) else ""
    if clock := _CLOCK.fullmatch(text):
        hours, minutes, seconds = clock.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))
    number = _NUMBER.fullmatch(text)
    return float(number[1].replace(",", ".")) if number else None
