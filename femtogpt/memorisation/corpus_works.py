"""The works of a corpus, as an index knows them."""

from __future__ import annotations

from collections.abc import Iterator

from femtogpt.artifacts.artifact import Artifact
from femtogpt.corpus.schema import parts, read
from femtogpt.memorisation.index_layout import Work


def works_of(corpus: Artifact, split: str) -> Iterator[tuple[Work, str]]:
    """The works of a split with their texts, in the order of the corpus."""
    columns = ["id", "author", "title", "text"]
    for source, file in parts(corpus, split):
        for id, author, title, text in read(file, columns).iter_rows():
            yield Work(source, id, author, title), text
