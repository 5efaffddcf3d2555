"""The files of a text index.

::

    text            the characters' numbers, the most frequent is 1; 0 before, between, after works
    suffixes        int32: where each part's suffixes begin, in their order, from its start on
    works.parquet   source, id, author, title, and where the work starts in the text, in this order
    index.json      the characters' code points, and where each part starts and ends
"""

from __future__ import annotations

from dataclasses import dataclass

TEXT, SUFFIXES, WORKS, ABOUT = "text", "suffixes", "works.parquet", "index.json"
AT_LEAST = 50  # characters of a stretch that is hardly a coincidence


@dataclass(frozen=True)
class Work:
    """A document of the corpus: a work, or a part of one where ``corpus.unit`` is chapter."""

    source: str
    id: str
    author: str | None
    title: str | None
