"""Signs that a document is an edition, whose notes and imprint only a source's setting removes."""

from __future__ import annotations

import polars as pl

from femtogpt.corpus.rules.rule_registry import has, matches

MIN_MARKS = 5  # of notes, after Russian words: one «[1]» is perhaps a reference
_NOTES = (  # a heading of notes, then the first of them, perhaps on its next line
    r"(?mi)^[^\pL\pN\n]{0,8}(?:примечани[ея]|сноски|комментарии)(?: [^\n]{1,40})?[.:]?[ \t]*"
    r"\n\s{0,8}(?:[\[({]?1[\])}.]?|\*{1,3})[ \t\n]"
)
_IMPRINT = r"(?m)^[^\n]{0,60}ISBN[ :№-]{0,3}\d|^\W{0,5}(?:OCR|Scan)\b[^\n]{0,20}:"
_MARK = r"[а-яё]{2}[.,!?…»]{0,2}\[\d{1,3}\]"


def look_like_editions(texts: pl.Series) -> pl.Series:
    """Which texts have gathered notes, marks of notes, or the lines of a publisher."""
    text = pl.col("text")
    noted = has("римечани", "РИМЕЧАНИ", "носки\n", "носки:", "НОСКИ", "омментарии", "ОММЕНТАРИИ")
    edited = [  # by a test that costs less than the patterns
        (noted, text.str.contains(_NOTES)),
        (has("ISBN", "OCR", "Scan"), text.str.contains(_IMPRINT)),
        (matches(r"\[\d{1,3}\]"), text.str.count_matches(_MARK) >= MIN_MARKS),
    ]
    frame = pl.DataFrame({"text": texts})
    found = pl.Series([False] * frame.height, dtype=pl.Boolean)
    for may_be, is_edition in edited:
        likely = frame.select(may_be(text))["text"].fill_null(False).arg_true()
        verdicts = frame[likely].select(is_edition)["text"]
        found[likely.filter(verdicts)] = True
    return found
