"""Authors in the names of files and folders: «А. П. Чехов - Дуэль (1891)», «Чехов/Дуэль»."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from femtogpt.sources.info import year_in

_WORD = r"[А-ЯЁA-Z][^\W\d_]+(?:[-’'][^\W\d_]+)*"
_INITIALS = r"(?:[А-ЯЁA-Z]\.\s?){1,2}"
_WITH_INITIALS = rf"{_INITIALS}{_WORD}|{_WORD},?\s{_INITIALS}"
_WORDS = rf"{_WORD}(?:,?\s{_WORD}){{0,3}}"
_SURNAME = re.compile(
    r"(?:[оеё]в|[иы]н|ск(?:ий|ой)|цкий|[оеё]ва|[иы]на|[сц]кая|чук|енко"
    r"|[oe]v|in|sk(?:y|iy|ii)|[oe]va|ina|skaya)(?!\w)",
    re.IGNORECASE,
)
_YEARS = re.compile(r"\s*[(\[]((?:\d{4}\s*[-–—]\s*)?\d{4})(?:\s*гг?\.?)?[)\]]$")
_DASH = re.compile(rf"({_WITH_INITIALS}|{_WORDS})\s+[-–—]+\s+(.+)")
_DOT = re.compile(rf"({_INITIALS}{_WORD}|{_WORDS})\.\s+(.+)|({_WORD},?\s{_INITIALS})\s*(.+)")
_PART = re.compile(
    r"\d|(часть|том|книга|глава|выпуск|серия|действие|part|volume|chapter)\b", re.IGNORECASE
)
_KIND = re.compile(  # how works and shelves are called
    r"роман|повест|рассказ|поэм|поэзи|пьес|комеди|драм|трагеди|сказк|стих|проза|публицист|письм"
    r"|стать|книг|текст|сочинени|разное|библиотек|prose|poe|books|texts|stories|novels|public",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Named:
    """What a file's name says."""

    title: str
    author: str | None = None
    year: int | None = None


def named(stem: str, folder_author: str | None = None) -> Named:
    """What the name of a file (without its suffix) says; an author only where that is sure.

    Where its folder is an author's, another author in the name is taken for a title.
    """
    name = stem.replace("_", " ") if " " not in stem else stem
    years = _YEARS.search(name)
    year = year_in(years[1]) if years else None
    title = name[: years.start()] if years and years.start() else name
    for pattern, enough in ((_DASH, 1), (_DOT, 2)):
        found = pattern.fullmatch(title)
        if not found:
            continue
        author, work = (part.strip() for part in found.groups() if part)
        sure = _surety(author)
        certain = year is not None and pattern is _DASH
        if (
            _is_title(work)
            and not _KIND.match(author)
            and (certain or (sure >= enough and sure >= _surety(work)))
            and (folder_author is None or _same_person(author, folder_author))
        ):
            return Named(work, author, year)
    return Named(title, None, year)


def folder_authors(names: Iterable[str]) -> dict[str, str]:
    """The authors that folders of files stand for, by folder; of a lone one only if it is sure.

    It is the innermost folder with the name of a person; one whose files are parts is a work.
    """
    stems = defaultdict(list)
    for name in names:
        path = PurePosixPath(name)
        stems[path.parent].append(path.stem)
    found = {}
    for folder, files in stems.items():
        above = [folder, *folder.parents]
        if all(map(_PART.match, files)) and folder.parent.name:
            above = above[1:]
        persons = (place.name for place in above if _is_person(place.name))
        if author := next(persons, None):
            found[str(folder)] = author
    several = len(set(found.values())) > 1
    return {folder: name for folder, name in found.items() if several or _surety(name) >= 2}


def _is_person(name: str) -> bool:
    like = re.fullmatch(f"{_WITH_INITIALS}|{_WORDS}", name)
    return bool(like) and not _KIND.match(name) and not _PART.match(name)


def _is_title(work: str) -> bool:
    """Whether it begins as a title does, and not as the second half of one."""
    return not (work[0].islower() or _PART.match(work) or _KIND.match(work))


def _surety(name: str) -> int:
    """How surely a name is a person's: 3 by initials, 2 by a surname, 1 by two capitals."""
    if re.fullmatch(_WITH_INITIALS, name):
        return 3
    if not re.fullmatch(_WORDS, name):
        return 0
    return 2 if _SURNAME.search(name) else int(len(name.split()) > 1)


def _same_person(one: str, other: str) -> bool:
    """Whether two names share a word."""
    words = [set(re.findall(r"\w{2,}", name.casefold())) for name in (one, other)]
    return bool(words[0] & words[1])
