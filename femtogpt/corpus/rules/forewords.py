"""Articles by editors before a work: they speak of the author by name, again and again."""

from __future__ import annotations

import re

import polars as pl

from femtogpt.corpus.rules.names import key_of, sounds
from femtogpt.corpus.rules.registry import rule

BEGINNING = 8000  # characters in which an article names the author
NAMED = 3  # times in them, at least
SHARE = 0.35  # of an article's paragraphs name the author, at least
GAP = 12  # paragraphs between two that do, at most
HEADING = 80  # characters of a line that may head the work itself
PART = 0.5  # of a document is such an article, at most
_CAPITALIZED = re.compile(r"[А-ЯЁ][А-ЯЁа-яё]{3,}")
_LITERARY = r"литератур|писател|творчеств|произведени"


@rule(
    "Чехов написал «Тоску» в 1886 году. Для Чехова-писателя это был год перелома.\n"
    "Любил ли её сам Чехов?\n\n"
    "Глава первая\n\nВечерние сумерки. Крупный мокрый снег лениво кружится около только что"
    " зажжённых фонарей и тонким мягким пластом ложится на крыши, лошадиные спины, плечи, шапки.",
    "Глава первая\n\nВечерние сумерки. Крупный мокрый снег лениво кружится около только что"
    " зажжённых фонарей и тонким мягким пластом ложится на крыши, лошадиные спины, плечи, шапки.",
)
def forewords(text: pl.Expr) -> pl.Expr:
    """An editor's article before the work, which names its author again and again, goes."""

    def without(columns: list[pl.Series]) -> pl.Series:
        texts, titles, authors = columns
        lengths = [0] * len(texts)
        heads = texts.str.head(BEGINNING)
        heads = pl.select(pl.when(heads.str.contains(_LITERARY)).then(heads)).to_series()
        for row, (head, title, author) in enumerate(zip(heads, titles, authors, strict=True)):
            surname = _surname(author)
            if surname and _mentions(head or "", surname) >= NAMED:
                lengths[row] = _length(texts[row], surname, title)
        starts = pl.Series(lengths, dtype=pl.UInt32)
        return texts.to_frame("text").select(pl.col("text").str.slice(starts)).to_series()

    return pl.map_batches(
        [text, pl.col("title"), pl.col("author")], without, return_dtype=pl.String
    )


def _surname(author: str | None) -> str:
    """The sounds of the author's surname: of the longest word of the name that is no patronymic."""
    words = [word for word in re.findall(r"[^\W\d_]{4,}", author or "")]
    words = [word for word in words if not word.lower().endswith(("вич", "вна", "vich", "vna"))]
    return sounds(words[-1]) if words else ""


def _mentions(text: str, surname: str) -> int:
    """How often the surname is named, in whichever case."""
    words = (word for word in _CAPITALIZED.findall(text) if sounds(word[0]) in ("", surname[0]))
    found = map(sounds, words)
    return sum(
        sound[: len(surname)] == surname and len(sound) - len(surname) < 3 for sound in found
    )


def _length(text: str, surname: str, title: str | None) -> int:
    """The characters before the work itself."""
    lines = text.split("\n")
    named = last = seen = kept = 0  # kept: paragraphs seen when the author was last named
    for index, line in enumerate(lines):
        if line.strip():
            seen += 1
            if _mentions(line, surname):
                named, last, kept = named + 1, index, seen
            elif seen - kept > GAP:
                break
    if named < NAMED - 1 or named < SHARE * kept:
        return 0
    following = [i for i in range(last + 1, len(lines)) if 0 < len(lines[i].strip(" *")) <= HEADING]
    heading = next((i for i in following if title and key_of(lines[i]) == key_of(title)), None)
    if heading is None:
        heading = next((i for i in following if not lines[i - 1].strip()), 0)
    length = sum(len(line) + 1 for line in lines[:heading])
    return length if length <= PART * len(text) else 0
