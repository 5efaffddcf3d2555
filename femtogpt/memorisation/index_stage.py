"""The text-index stage: the train split, indexed to find what a text has from it verbatim."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.store import Store
from femtogpt.progress import progress

KIND = "text_index"
log = logging.getLogger(__name__)


def build_index(store: Store, corpus: Artifact) -> Artifact:
    """Index the train split of a corpus. What is in it: ``femtogpt.memorisation.text_index``."""

    def build(folder: Path) -> dict[str, Any]:
        from femtogpt.memorisation.corpus_works import works_of
        from femtogpt.memorisation.index_writing import write_index

        with progress(KIND, corpus.counts["train_characters"], "characters") as update:
            counts = write_index(folder, lambda: works_of(corpus, "train"), update)
        log.info("%s: %.0f MB on disk", KIND, counts["bytes"] / 1e6)
        return counts

    return store.make(recipe(corpus), build)


def recipe(corpus: Artifact) -> Recipe:
    """What determines a text index."""
    return Recipe(KIND, code_of(__name__), {}, {"corpus": corpus})
