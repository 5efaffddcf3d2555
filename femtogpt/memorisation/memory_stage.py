"""The memory stage: what the samples have from the train split, and held-out passages by chance."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.store import Store
from femtogpt.generation.samples import SAMPLES_FILE

KIND = "memory"
MEMORY_FILE = "memory.json"


def look_up_samples(
    store: Store, corpus: Artifact, samples: Artifact, text_index: Artifact
) -> Artifact:
    """Look up what a model wrote in the text that it was trained on.

    ``memory.json`` has a record of each sample (``samples``), and of as many passages, as long, of
    held-out works (``held_out``): by authors who are in the train split, too, if there are any.
    The counts are the figures of all samples together and of all passages.
    """

    def build(folder: Path) -> dict[str, Any]:
        from femtogpt.memorisation.held_out_passages import held_out_works, passages
        from femtogpt.memorisation.memory import figures, record
        from femtogpt.memorisation.text_index import TextIndex

        index = TextIndex.open(text_index.path)
        written = json.loads((samples.path / SAMPLES_FILE).read_text(encoding="utf-8"))
        records = [record(index, sample["text"]) for sample in written]
        works, same_authors = held_out_works(corpus, index.authors)
        chance = [
            {"work": asdict(work), "place": place, **record(index, text)}
            for work, place, text in passages(works, (len(sample["text"]) for sample in written))
        ]
        held_out = {"works": len(works), "same_authors": same_authors, "passages": chance}
        result = {"samples": records, "held_out": held_out}
        text = json.dumps(result, ensure_ascii=False, indent=1)
        (folder / MEMORY_FILE).write_text(text, encoding="utf-8")
        of_chance = figures(chance) if chance else {}
        return {
            **figures(records),
            **{f"held_out_{name}": value for name, value in of_chance.items()},
        }

    return store.make(recipe(corpus, samples, text_index), build)


def recipe(corpus: Artifact, samples: Artifact, text_index: Artifact) -> Recipe:
    """What determines what is found of the samples."""
    inputs = {"corpus": corpus, "samples": samples, "text_index": text_index}
    return Recipe(KIND, code_of(__name__), {}, inputs)
