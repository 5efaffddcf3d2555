"""The text-index stage: the train split, indexed to find what a text has from it verbatim."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.store import Store

KIND = "text_index"


def build_index(store: Store, corpus: Artifact) -> Artifact:
    """Index the train split of a corpus. What is in it: ``femtogpt.memorisation.text_index``."""

    def build(folder: Path) -> dict[str, Any]:
        from femtogpt.corpus.schema import parts, read
        from femtogpt.memorisation.index_layout import Work
        from femtogpt.memorisation.index_writing import write_index
        from femtogpt.progress import progress

        def works() -> Iterator[tuple[Work, str]]:
            columns = ["id", "author", "title", "text"]
            for source, file in parts(corpus, "train"):
                for id, author, title, text in read(file, columns).iter_rows():
                    yield Work(source, id, author, title), text

        with progress(KIND, corpus.counts["train_characters"], "characters") as update:
            return write_index(folder, works, update)

    return store.make(recipe(corpus), build)


def recipe(corpus: Artifact) -> Recipe:
    """What determines a text index."""
    return Recipe(KIND, code_of(__name__), {}, {"corpus": corpus})
