"""What a reader of files finds: an interview's turns, and what is said about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from femtogpt.sources.interviews.turns import Turn

_KEYS = {
    "title": ("title", "название", "заголовок"),
    "author": ("author", "автор", "автор текста"),
    "interviewee": ("interviewee", "guest", "respondent", "гость", "респондент", "собеседник"),
    "interviewer": ("interviewer", "host", "ведущий", "ведущая", "интервьюер", "беседовал"),
    "date": ("date", "published", "year", "дата", "год"),
    "url": ("url", "link", "source", "ссылка", "источник"),
}
HEADER = 12  # lines at the top of a file in which fields may stand
_YEAR = re.compile(r"\b(1[5-9]\d\d|20\d\d)\b")
_FRONT = re.compile(r"\A\s*---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FULL_NAME = re.compile(r"(?:[A-ZА-ЯЁ][\w-]*\.?\s*){2,4}")
_PAIR = re.compile(r"\s*(\w[\w ]{0,30}?)\s*:\s+(\S.*)")


class NoDialogue(ValueError):
    """There is no dialogue in a file; the text says what was looked for."""


@dataclass(frozen=True, slots=True)
class About:
    """What a file says about its interview; None where it does not."""

    title: str | None = None
    author: str | None = None
    interviewee: str | None = None
    interviewer: str | None = None
    year: int | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Interview:
    """An interview in a file."""

    turns: list[Turn]
    about: About = field(default_factory=About)
    key: str | None = None  # tells it from the others in its file
    fault: str | None = None  # why it cannot be read


def about(fields: Mapping[Any, Any]) -> About:
    """What is told by fields, whatever their names' case and language."""
    given = {str(name).strip().casefold(): value for name, value in fields.items()}
    found: dict[str, str] = {}
    for what, names in _KEYS.items():
        for name in names:
            value = given.get(name)
            if isinstance(value, list):
                value = ", ".join(map(str, value))
            if value is not None and not isinstance(value, dict) and str(value).strip():
                found[what] = " ".join(str(value).split())
                break
    year = _YEAR.search(found.pop("date", ""))
    if not re.match("https?://", found.get("url", "https://")):
        del found["url"]
    return About(**found, year=int(year[1]) if year else None)


def front_matter(text: str) -> tuple[About, str]:
    """What the YAML before a text, between lines of ``---``, says of it, and the text itself."""
    found = _FRONT.match(text)
    if not found:
        return About(), text
    try:
        fields = yaml.safe_load(found[1])
    except (yaml.YAMLError, ValueError):  # ValueError: a date that is none
        fields = dict(pair.groups() for pair in map(_PAIR.fullmatch, found[1].split("\n")) if pair)
    if not isinstance(fields, dict):
        return About(), text  # two rules, and no fields between them
    return about(fields), text[found.end() :]


def header(lines: list[str]) -> tuple[About, list[str]]:
    """What lines as «Гость: Иван Петров» at the top say, and the other lines."""
    fields: dict[str, str] = {}
    rest = []
    for line in lines[:HEADER]:
        pair = _PAIR.fullmatch(line)
        if pair and _is_field(*pair.groups()):
            fields[pair[1]] = pair[2]
        else:
            rest.append(line)
    return about(fields), rest + lines[HEADER:]


def _is_field(name: str, value: str) -> bool:
    """Whether it is a field and not a turn: a person's full name, or no sentence."""
    what = next((what for what, names in _KEYS.items() if name.casefold() in names), None)
    if what in ("author", "interviewee", "interviewer"):
        return _FULL_NAME.fullmatch(value) is not None
    return what is not None and not value.rstrip().endswith((".", "!", "?", "…"))
