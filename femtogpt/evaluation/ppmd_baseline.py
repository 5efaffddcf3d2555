"""The PPMd baseline: how well a compressor that has read the train split packs held-out text."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.store import Store
from femtogpt.config import Config
from femtogpt.evaluation.baseline import PPMD, Baseline, Tally
from femtogpt.progress import progress

SCORED = 1000  # documents scored one by one, up to a tenth of a second each to set up
HISTORY = 64_000_000  # characters: about a minute's worth
# Bytes, of which only what is used is taken: for 36 M characters of Russian prose, 16 a character.
# With its memory full PPMd would forget everything at once, so it gets twice as much at least.
MEMORY, LEAST_MEMORY, MEMORY_PER_CHARACTER = (1 << 31) - 1, 1 << 24, 100


def score_ppmd(store: Store, config: Config, corpus: Artifact) -> Artifact:
    """Have PPMd read the train split, and score each held-out document on its own after that.

    ``baseline.json`` has the figures, and ``documents.parquet`` those of each document that was
    scored alone. Of a train split longer than HISTORY, the beginning of each
    document is read, the same share of all. Of more than about SCORED held-out documents, small
    neighbours are scored together.
    """
    order = config.baselines.ppmd

    def build(folder: Path) -> dict[str, Any]:
        from femtogpt.corpus.schema import parts, texts
        from femtogpt.evaluation.document_scores import counts, write_scores
        from femtogpt.evaluation.ppmd import Alphabet, reader

        characters = corpus.counts["train_characters"]
        share = min(1.0, HISTORY / characters)

        def history() -> Iterator[str]:
            for _, text in texts(file for _, file in parts(corpus, "train")):
                yield text[: math.ceil(len(text) * share)]

        frequencies: Counter[str] = Counter()
        for text in history():
            frequencies.update(text)
        alphabet, read = Alphabet(frequencies), frequencies.total()
        memory = min(MEMORY, LEAST_MEMORY + MEMORY_PER_CHARACTER * read)
        total, done = read + corpus.counts["held_out_characters"], 0
        tallies: dict[str, Tally] = {}
        alone: list[tuple[str, str, int, float]] = []
        with progress("ppmd", total, "characters") as update, reader(order, memory) as ppmd:
            for text in history():
                ppmd.read(alphabet.encode(text))
                update(done := done + len(text))
            least = corpus.counts["held_out_characters"] / SCORED
            for source, file in parts(corpus, "held_out"):
                for group in _grouped(texts([file]), least):
                    bits = ppmd.code_length(b"".join(alphabet.encode(text) for _, text in group))
                    tally = Tally(bits, sum(len(text) for _, text in group))
                    if len(group) == 1:
                        alone.append((source, group[0][0].removeprefix(f"{source}/"), 0, bits))
                    tallies[source] = tallies.get(source, Tally()) + tally
                    update(done := done + tally.characters)
        settings = {"order": order, "history_characters": read}
        baseline = Baseline.of(f"PPMd (order {order})", settings, tallies)
        baseline.write(folder)
        write_scores(counts(alone), folder)
        return baseline.counts

    return store.make(recipe(config, corpus), build)


def _grouped(documents: Iterable[tuple[str, str]], least: float) -> Iterator[list[tuple[str, str]]]:
    """Neighbours, as (name, text), together in groups of at least so many characters each."""
    group: list[tuple[str, str]] = []
    for document in documents:
        group.append(document)
        if sum(len(text) for _, text in group) >= least:
            yield group
            group = []
    if group:
        yield group


def recipe(config: Config, corpus: Artifact) -> Recipe:
    """What determines PPMd's figures."""
    settings = {"order": config.baselines.ppmd}
    names = {"order": "baselines.ppmd"}
    return Recipe(PPMD, code_of(__name__), settings, {"corpus": corpus}, names=names)
