"""A rule for editors' articles before a work, which mention the author by name again and again."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from femtogpt.corpus.rules.rule_registry import rule
from femtogpt.corpus.rules.title_matching import key_of, sounds

BEGINNING = 8000  # characters of a document in which an article mentions the author
MIN_MENTIONS = 3  # in these
MIN_SHARE = 0.35  # of an article's paragraphs that mention the author
MAX_GAP = 12  # paragraphs between two that do
MAX_HEADING = 80  # characters of a line that may be the heading of the work itself
MAX_PART = 0.5  # of a document that is such an article
_CAPITALIZED = re.compile(r"[А-ЯЁ][А-ЯЁа-яё]{3,}")
_LITERARY = r"литератур|писател|творчеств|произведени"


@rule(
    "Чехов написал «Тоску» в 1886 году. Для Чехова-писателя это был год перелома.\n"
    "Любил ли её сам Чехов?\n\n"
    "Глава первая\n\nВечерние сумерки. Крупный мокрый снег лениво кружится около только что"
    " зажжённых фонарей и тонким мягким пластом ложится на крыши, лошадиные спины, плечи, шапки.",
    "Глава первая\n\nВечерние сумерки. Крупный мокрый снег лениво кружится около только что"
    " зажжённых фонарей и тонким мягким пластом ложится на крыши, лошадиные спины, плечи, шапки.",
    needs="the author's name in a third of its paragraphs, then a heading; half of the text stays",
    of_editions=True,
)
def forewords(text: pl.Expr) -> pl.Expr:
    """Remove an editor's article before the work that mentions the author again and again."""

    def without(columns: Sequence[pl.Series]) -> pl.Series:
        texts, titles, authors = columns
        lengths = [0] * len(texts)
        heads = texts.str.head(BEGINNING)
        heads = pl.select(pl.when(heads.str.contains(_LITERARY)).then(heads)).to_series()
        for row, (head, title, author) in enumerate(zip(heads, titles, authors, strict=True)):
            surname = _surname(author)
            if surname and _mentions(head or "", surname) >= MIN_MENTIONS:
                lengths[row] = _length(texts[row], surname, title)
        starts = pl.Series(lengths, dtype=pl.UInt32)
        return texts.to_frame("text").select(pl.col("text").str.slice(starts)).to_series()

    return pl.map_batches(
        [text, pl.col("title"), pl.col("author")], without, return_dtype=pl.String
    )


def _surname(author: str | None) -> str:
    """The sounds of the author's surname: the last long word of the name that is no patronymic."""
    words = re.findall(r"[^\W\d_]{4,}", author or "")
    words = [word for word in words if not word.lower().endswith(("вич", "вна", "vich", "vna"))]
    return sounds(words[-1]) if words else ""


def _mentions(text: str, surname: str) -> int:
    """How often the surname occurs, in any grammatical case."""
    words = (word for word in _CAPITALIZED.findall(text) if sounds(word[0]) in ("", surname[0]))
    return sum(
        sound[: len(surname)] == surname and len(sound) - len(surname) < 3
        for sound in map(sounds, words)
    )


def _length(text: str, surname: str, title: str | None) -> int:
    """The length of the article: the characters before the work itself."""
    lines = text.split("\n")
    paragraphs = 0
    mentioning = last = within = 0  # paragraphs; last such line; paragraphs up to it
    for index, line in enumerate(lines):
        if line.strip():
            paragraphs += 1
            if _mentions(line, surname):
                mentioning, last, within = mentioning + 1, index, paragraphs
            elif paragraphs - within > MAX_GAP:
                break
    if mentioning < MIN_MENTIONS - 1 or mentioning < MIN_SHARE * within:
        return 0
    following = [
        i for i in range(last + 1, len(lines)) if 0 < len(lines[i].strip(" *")) <= MAX_HEADING
    ]
    heading = next((i for i in following if title and key_of(lines[i]) == key_of(title)), None)
    if heading is None:
        heading = next((i for i in following if not lines[i - 1].strip()), 0)
    length = sum(len(line) + 1 for line in lines[:heading])
    return length if length <= MAX_PART * len(text) else 0
