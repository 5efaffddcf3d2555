"""An interview as the parsers return it, and the metadata fields that describe one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.interviews.left_out import FIELDS, LeaveOut
from femtogpt.sources.interviews.turns import Turn

_FIELD_NAMES = {
    "title": ("title", "название", "заголовок"),
    "author": ("author", "автор", "автор текста"),
    "interviewee": ("interviewee", "guest", "respondent", "гость", "респондент", "собеседник"),
    "interviewer": ("interviewer", "host", "ведущий", "ведущая", "интервьюер", "беседовал"),
    "date": ("date", "published", "year", "дата", "год"),
    "url": ("url", "link", "source", "ссылка", "источник"),
}
HEADER_LINES = 12  # at the top of a file, in which fields are looked for
_YEAR = re.compile(r"\b(1[5-9]\d\d|20\d\d)\b")
_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FULL_NAME = re.compile(r"(?:[A-ZА-ЯЁ][\w-]*\.?\s*){2,4}")
_FIELD = re.compile(r"\s*(\w[\w ]{0,30}?)\s*:\s+(\S.*)")


class NoDialogue(Unreadable):
    """A file contains no dialogue; the message says what was looked for."""


@dataclass(frozen=True, slots=True)
class About:
    """An interview's metadata as its file gives it; None for what it leaves out."""

    title: str | None = None
    author: str | None = None
    interviewee: str | None = None
    interviewer: str | None = None
    year: int | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Interview:
    """One interview of a file."""

    turns: list[Turn]
    about: About = field(default_factory=About)
    key: str | None = None  # identifies it within its file
    fault: str | None = None  # why it cannot be read


def about(fields: Mapping[Any, Any]) -> About:
    """Read the metadata from fields; their names may be English or Russian, in any case."""
    by_name = {str(name).strip().casefold(): value for name, value in fields.items()}
    result: dict[str, str] = {}
    for attribute, names in _FIELD_NAMES.items():
        for name in names:
            value = by_name.get(name)
            if isinstance(value, list):
                value = ", ".join(str(part) for part in value if isinstance(part, str | int))
            if value is not None and not isinstance(value, dict) and str(value).strip():
                result[attribute] = " ".join(str(value).split())
                break
    year = _YEAR.search(result.pop("date", ""))
    if not re.match("https?://", result.get("url", "https://")):
        del result["url"]
    return About(**result, year=int(year[1]) if year else None)


def is_known(name: Any) -> bool:
    """Whether a field of this name is metadata that is read."""
    folded = str(name).strip().casefold()
    return any(folded in names for names in _FIELD_NAMES.values())


def front_matter(text: str, leave_out: LeaveOut) -> tuple[About, str]:
    """Read the YAML front matter (between lines of ``---``); return it and the text below."""
    match = _FRONT_MATTER.match(text)
    if not match:
        return About(), text
    try:
        fields = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError, AttributeError, RecursionError):  # of impossible values
        lines = map(_FIELD.fullmatch, match[1].split("\n"))
        fields = {field[1]: field[2] for field in lines if field}
    if not isinstance(fields, dict) or all(map(_is_speech, fields, fields.values())):
        return About(), text  # two horizontal rules without fields between them
    leave_out(FIELDS, match[1])
    return about(fields), text[match.end() :]


def header(lines: list[str], leave_out: LeaveOut) -> tuple[About, list[str]]:
    """Read fields such as «Гость: Иван Петров» at the top; return them and the other lines."""
    fields: dict[str, str] = {}
    other_lines = []
    for line in lines[:HEADER_LINES]:
        field = _FIELD.fullmatch(line)
        if field and _is_field(field[1], field[2]):
            fields[field[1]] = field[2]
            leave_out(FIELDS, line)
        else:
            other_lines.append(line)
    return about(fields), other_lines + lines[HEADER_LINES:]


def _is_speech(name: Any, value: Any) -> bool:
    """Whether a field between two rules is a turn («Врач: Добрый день.»)."""
    words = isinstance(name, str) and isinstance(value, str) and not name.isascii()
    return words and value.rstrip().endswith((".", "!", "?", "…")) and not _is_field(name, value)


def _is_field(name: str, value: str) -> bool:
    """Whether it is a field rather than a turn: its value is a full name, or no sentence."""
    attribute = next((key for key, names in _FIELD_NAMES.items() if name.casefold() in names), None)
    if attribute in ("author", "interviewee", "interviewer"):
        return _FULL_NAME.fullmatch(value) is not None
    return attribute is not None and not value.rstrip().endswith((".", "!", "?", "…"))
