"""What the tests of the cleaning rules share: texts through rules, and texts made to be nasty."""

from __future__ import annotations

import polars as pl
from hypothesis import strategies as st

from femtogpt.config_file import read_source
from femtogpt.corpus.rules import STANDARD, select_rules
from tests.helpers import examples

CLASSICS = tuple(read_source("classics")["rules"])
CHAINS = {"standard": STANDARD, "classics": CLASSICS}
WHOLE = (  # nothing that only the removal of something else would make markup or a letter
    *"аеиАЁёЙйжыѣіqN1 \n\t\r.,!?—–-«»",
    *"\0\x01\x0b\x0c\x1f\x7f\x85\u00a0\u00ad\u1680\u2009\u200b\u200d\u2010\u2011\u2028\u2029",
    *"\u202f\u2060\u2212\u2581\u3000\ufeff\ufffd\u0400\u045d\U0001f600",
    *("\r\n", "--", " - ", "\n- ", "- - ", "\n\n\n", "  ", "слово", "[12]", "{3}", " [4]"),
    *("<b>", "</i>", "<br/>", "<hr>", "<p class=x>", "&amp;", "&nbsp;", "&mdash;", "&#233;"),
    *("&#xe9;", "&#8232;", "&shy;", "а\u0301", "и\u0306", "е\u0308", "и\u0306\u0301", "ё\u0301"),
)
MARKS = (  # what the rules on notes, headings, layout and punctuation look at
    *("слово", "Слово", "word", "И", "я", " ", " ", "\n", "\n\n", "\n   ", " - ", "- ", " -", "—"),
    *("1", "2", "\n1\n", "\n2 ", "[1]", "[2]", "\n[1] ", "*", "**", "\n* ", "\n***\n", "(1)", "²"),
    *(" (франц.)", "\nПримечания\n", "\n-----\n", "\nГлава 2\n", "\n57\n", "[слово]", "сл<ово>"),
    *('"', "«", "»", "„", "“", "'", "...", "…", "?..", "!", ".", ",", ":", " ,", "( ", " )", "1-2"),
    *("Тоска", "ТОСКА", "Антон Чехов", "(рассказ)", "\nOCR: слово\n", "Содержание\n", "№", "No 5"),
)
NASTY = (*WHOLE, *"<>/&;#[]{}\u0300\u0301\u0306\u0308", "&lt;", "&gt;", "1]", "b>", "i>", "amp;")

thorough = examples(40)
few = examples(15)


def texts(parts: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    """Some texts of these parts: a frame of ten costs as much as one of one."""
    text = st.lists(st.sampled_from(parts), max_size=12).map("".join)
    return st.lists(text, min_size=1, max_size=10)


def cleaned(
    texts: list[str | None], names: tuple[str, ...], title: str = "Тоска", author: str = "Чехов"
) -> list[str | None]:
    """Texts, of one title and author, through these rules."""
    columns = {"text": pl.String, "title": pl.String, "author": pl.String}
    frame = pl.DataFrame([(text, title, author) for text in texts], schema=columns, orient="row")
    for rule in select_rules(names):
        frame = frame.with_columns(rule.apply(pl.col("text")).alias("text"))
    return frame["text"].to_list()


def clean(text: str, *names: str, **of: str | None) -> str:
    """One text through these rules."""
    return cleaned([text], names, **of)[0]
