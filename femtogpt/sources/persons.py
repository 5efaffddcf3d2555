"""Authors from the names of files and folders: «А. П. Чехов - Дуэль (1891)», «Чехов/Дуэль»."""

from __future__ import annotations

import re
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
_GENRE = re.compile(  # words that name works and shelves rather than persons
    r"роман|повест|рассказ|поэм|поэзи|пьес|комеди|драм|трагеди|сказк|стих|проза|публицист|письм"
    r"|стать|книг|текст|сочинени|разное|библиотек|prose|poe|books|texts|stories|novels|public",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Named:
    """Title, author and year, as the name of a file gives them."""

    title: str
    author: str | None = None
    year: int | None = None


def named(stem: str, folder_author: str | None = None) -> Named:
    """Parse the name of a file (without its suffix); an author is returned only if certain.

    If the folder belongs to an author, the name of another person is read as part of the title.
    """
    name = stem.replace("_", " ") if " " not in stem else stem
    years = _YEARS.search(name)
    year = year_in(years[1]) if years else None
    title = name[: years.start()] if years and years.start() else name
    for pattern, threshold in ((_DASH, 1), (_DOT, 2)):
        match = pattern.fullmatch(title)
        if not match:
            continue
        author, work = (part.strip() for part in match.groups() if part)
        certainty = _certainty(author)
        is_certain = year is not None and pattern is _DASH
        if (
            _is_title(work)
            and not _GENRE.match(author)
            and (is_certain or (certainty >= threshold and certainty >= _certainty(work)))
            and (folder_author is None or _same_person(author, folder_author))
        ):
            return Named(work, author, year)
    return Named(title, None, year)


def folder_authors(names: Iterable[str]) -> dict[str, str]:
    """Map folders to the authors they are named after; a single author only if certain.

    The innermost folder with the name of a person counts. A folder whose files are all numbered
    parts is a work, not an author.
    """
    has_only_parts: dict[PurePosixPath, bool] = {}
    for name in names:
        path = PurePosixPath(name)
        is_part = bool(_PART.match(path.stem))
        has_only_parts[path.parent] = has_only_parts.get(path.parent, True) and is_part
    authors = {}
    for folder, only_parts in has_only_parts.items():
        ancestors = [folder, *folder.parents]
        if only_parts and folder.parent.name:
            ancestors = ancestors[1:]
        persons = (ancestor.name for ancestor in ancestors if _is_person(ancestor.name))
        if author := next(persons, None):
            authors[str(folder)] = author
    several = len(set(authors.values())) > 1
    return {folder: name for folder, name in authors.items() if several or _certainty(name) >= 2}


def _is_person(name: str) -> bool:
    match = re.fullmatch(f"{_WITH_INITIALS}|{_WORDS}", name)
    return bool(match) and not _GENRE.match(name) and not _PART.match(name)


def _is_title(work: str) -> bool:
    """Whether the text begins like a title rather than like the second half of one."""
    return not (work[0].islower() or _PART.match(work) or _GENRE.match(work))


def _certainty(name: str) -> int:
    """Rate a name as a person's: 3 initials, 2 a surname's ending, 1 several words, 0 no name."""
    if re.fullmatch(_WITH_INITIALS, name):
        return 3
    if not re.fullmatch(_WORDS, name):
        return 0
    return 2 if _SURNAME.search(name) else int(len(name.split()) > 1)


def _same_person(one: str, other: str) -> bool:
    """Whether two names share a word."""
    words = [set(re.findall(r"\w{2,}", name.casefold())) for name in (one, other)]
    return bool(words[0] & words[1])
