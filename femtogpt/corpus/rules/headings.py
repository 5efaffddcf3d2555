"""A rule for the lines above a work: its author, title, genre and edition.

Chapter headings, dedications and epigraphs stay. A title is removed if it is the one that the
source gives, regardless of case, ё and punctuation. If the source gives none, it must be in
capitals below an author's name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from femtogpt.corpus.rules.editorial_patterns import IMPRINT, PART_WORD, RULER
from femtogpt.corpus.rules.rule_registry import rule
from femtogpt.corpus.rules.title_matching import (
    is_author,
    is_title,
    key_of,
    looks_like_name,
    titles,
)

HEAD = 3000  # characters of a text that are searched for its title
EDITION_LINES = 7  # above a title, at most
LINE = 120  # characters in a line of a heading, at most
_GENRE = re.compile(
    r"(?:\S+ ){0,3}?(?:роман|повест|рассказ|поэма|сказка|сказания|комеди|драма|трагеди|сцен|очерк"
    r"|отрыв|быль|эпизод|происшестви|истори|воспоминани|легенд|пьеса|водевиль|этюд|новелл|баллад"
    r"|записки|фельетон)\w*\b[^.!?:;]{0,70}\.?",
    re.IGNORECASE,
)
_FROM = re.compile(r"Из [а-яё][^.!?:;]{3,60}\.?")
_BRACKETS = re.compile(r"\((?!.*(?:посвя|памят)).{2,100}\)\.?", re.IGNORECASE)
_YEARS = re.compile(r"\(?\d{4}(?:\s?[-–—/,]\s?\d{2,4})?\s?(?:гг?\.?|год\w*)?\)?\.?")
_CHAPTER = re.compile(
    r"[IVXLCМ\d]+\.?|(?:пролог|предислов|вступлен|посвящ|от автора|от издател|действующ|лица|сцена"
    r"|эпилог|введени)\w*\b.*",
    re.IGNORECASE,
)
_EDITOR = re.compile(r"(?:[А-ЯЁ]\.\s?){1,2}[А-ЯЁ][А-ЯЁа-яё]{2,}")
_CONTINUATION = re.compile(r"(?:И|О|ОБ|ИЛИ|КАК)\s")
_UNTITLED = re.compile(r"\*(?:\s*\*)*")


@rule(
    "Антон Чехов\nТОСКА\n(РАССКАЗ)\nКому повем печаль мою?..\n\nВечерние сумерки.",
    "Кому повем печаль мою?..\n\nВечерние сумерки.",
    needs="the source's title or author in the first lines, set off from the text",
    of_editions=True,
)
def title_lines(text: pl.Expr) -> pl.Expr:
    """Remove author, title, genre and edition above the work; keep headings and epigraphs."""

    def below(columns: Sequence[pl.Series]) -> pl.Series:
        texts, *names = columns
        heads = texts.str.head(HEAD)
        starts = [heading(*row) for row in zip(heads, *names, strict=True)]
        start = pl.Series(starts, dtype=pl.UInt32)
        return texts.to_frame("text").select(pl.col("text").str.slice(start)).to_series()

    return pl.map_batches([text, pl.col("title"), pl.col("author")], below, return_dtype=pl.String)


def heading(head: str | None, title: str | None, author: str | None) -> int:
    """The number of characters at the beginning of a text that are author, title and the like."""
    lines = (head or "").split("\n")
    first = _Heading(lines, title, author).first_kept_line()
    if not any(line.strip() for line in lines[first:]):
        return 0
    return sum(len(line) + 1 for line in lines[:first])


class _Heading:
    """Reads the lines above a work from the first one on."""

    def __init__(self, lines: list[str], title: str | None, author: str | None):
        self.lines, self.title, self.author = lines, title, author
        self.named = self.titled = self.edited = self.below_name = False
        self.part = ""  # of a title on several lines
        self.genres = 0  # lines

    def first_kept_line(self) -> int:
        kept = self._edition()
        for index in range(kept, len(self.lines)):
            line = self.lines[index].strip(" \t\u00a0")
            if not line or not (self.named or line.strip(" *•—–-_=")) or RULER.fullmatch(line):
                continue
            if not self._belongs(line, index):
                break
            kept = index + 1
        return kept

    def _edition(self) -> int:
        """The line of the title if all above it is the edition or the author's name; else 0."""
        seen, edition = 0, False
        for index, line in enumerate(self.lines):
            line = line.strip()
            if not line:
                continue
            if seen and edition and is_title(line, self.title) and self._set_off(line, index):
                return index
            edition = edition or bool(IMPRINT.search(line)) or is_author(line, self.author)
            seen += 1
            if seen > EDITION_LINES or len(line) > LINE:
                break
        return 0

    def _belongs(self, line: str, index: int) -> bool:
        if len(line) > LINE:
            return False
        if self._is_both(line):
            return True
        if self._is_author(line, index):
            self.named = self.below_name = True
            return True
        titled = self._is_title(line, index)
        self.below_name = False
        if titled:
            return True
        if not (self.named or self.titled):
            return False
        if not self.titled and _UNTITLED.fullmatch(line):
            self.titled = self.named = True
            self.title = None  # the next line is the first line of a poem, and perhaps its title
            return True
        if IMPRINT.search(line) or (self.edited and _EDITOR.fullmatch(line)):
            self.edited = True
            return True
        if self.genres < 3 and self._is_genre(line, index):
            self.genres += 1
            return True
        return False

    def _is_author(self, line: str, index: int) -> bool:
        if is_author(line, self.author):
            return True
        following = self._next(index)
        if looks_like_name(line):
            if self.author:  # Лев Николаевич / Толстой
                return is_author(following, self.author) and line.endswith(("вич", "вна"))
            return _capitals(following) and not _is_chapter(following) and index < 3
        return False

    def _is_both(self, line: str) -> bool:
        """Whether a line has the form «Author. Title»."""
        for dot in re.finditer(r"\.\s+", line):
            name, rest = line[: dot.start()], line[dot.end() :]
            if is_author(name, self.author):
                self.titled = self.titled or is_title(rest, self.title)
                if self.titled or (_capitals(rest) and self._begins_title(rest)):
                    self.named = True
                    return True
        return False

    def _is_title(self, line: str, index: int) -> bool:
        plain = line.strip('*<>«»"„“ .')
        again = self.below_name and key_of(plain) == key_of(self.title or "")
        if is_title(plain, self.title) and (again or self._set_off(line, index)):
            self.titled, self.part = True, line
            return True
        if not _capitals(line) or _is_chapter(line):
            return False
        if self._begins_title(line):
            return True
        adjacent = index > 0 and self.lines[index - 1].strip()
        if self.part and adjacent and (self.part.endswith(",") or _CONTINUATION.match(line)):
            self.part = f"{line},"
            return True
        if self.named and not self.titled:
            self.titled, self.part = True, line
            return True
        return False

    def _begins_title(self, line: str) -> bool:
        """Whether a line in capitals begins the title or continues it."""
        if not self.title or self.titled:
            return False
        part = key_of(f"{self.part} {line}")
        forms = [key_of(form) for form in titles(self.title)]
        if len(part) > 3 and any(form.startswith(part) for form in forms):
            self.part = f"{self.part} {line}"
            self.titled = part in forms
            return True
        if self.part and is_title(f"{self.part} {line}", self.title):
            self.part, self.titled = line, True
            return True
        return False

    def _is_genre(self, line: str, index: int) -> bool:
        if _YEARS.fullmatch(line) or _BRACKETS.fullmatch(line):
            return True
        if not self.titled or _is_chapter(line):
            return False
        return bool(_GENRE.fullmatch(line) or (_FROM.fullmatch(line) and not self._after(index)))

    def _set_off(self, line: str, index: int) -> bool:
        """Whether a line cannot be the first line of the text itself."""
        if line.endswith((",", ";", ":", "—", "-")):
            return False
        after = self._after(index)
        if _capitals(line, 1) or not after.strip(" *—-") or len(after) > LINE:
            return True
        return bool(
            _is_chapter(after)
            or _BRACKETS.fullmatch(after)
            or _GENRE.fullmatch(after)
            or IMPRINT.search(after)
            or PART_WORD.match(after)
        )

    def _after(self, index: int) -> str:
        """The next line, blank or not."""
        return self.lines[index + 1].strip() if index + 1 < len(self.lines) else ""

    def _next(self, index: int) -> str:
        """The next line that is not blank."""
        return next((line.strip() for line in self.lines[index + 1 :] if line.strip()), "")


def _capitals(line: str, minimum: int = 2) -> bool:
    """Whether a line has letters, ``minimum`` or more, and all are capitals."""
    letters = [char for char in line if char.isalpha()]
    return len(letters) >= minimum and not any(char.islower() for char in letters)


def _is_chapter(line: str) -> bool:
    return bool(_CHAPTER.fullmatch(line.strip(" .*")) or PART_WORD.match(line))
