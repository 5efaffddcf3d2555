"""Texts that a model writes, for its card, and how much of them it knows by heart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from femtogpt.config import SamplesConfig
from femtogpt.progress import progress


@dataclass(frozen=True)
class Sample:
    """What a model wrote after a prompt."""

    prompt: str
    text: str


@dataclass(frozen=True)
class Memorised:
    """What of some texts stands verbatim in the train split."""

    texts: int
    share: float  # of their characters, inside stretches of 50 characters or more
    longest: int  # characters of the longest stretch


def write_texts(run: Path, how: SamplesConfig, seed: int, count: int) -> list[Sample]:
    """Have a run's model write ``count`` texts, the first ones those of the samples stage.

    Raises UserError if the run is damaged.
    """
    from femtogpt.generation.sampling import Sampling
    from femtogpt.generation.writer import Writer
    from femtogpt.generation.writing import write_together

    writer = Writer.load(run, "float32")
    prompts = [how.prompts[number % len(how.prompts)] for number in range(count)]
    seeds = range(seed, seed + count)
    with progress("samples"):
        texts = write_together(
            writer.engine, writer.tokenizer, prompts, how.tokens, Sampling.of(how), seeds
        )
    return list(map(Sample, prompts, texts))


def memorised(text_index: Path | None, samples: Sequence[Sample]) -> Memorised | None:
    """How much of what was written stands verbatim in the train split; None without its index."""
    from femtogpt.memorisation.memory import memory_of
    from femtogpt.memorisation.text_index import TextIndex

    if text_index is None:
        return None
    index = TextIndex.open(text_index)
    found = [memory_of(index, sample.text) for sample in samples]
    characters = sum(memory.characters for memory in found)
    longest = max((len(memory.longest) for memory in found if memory.longest), default=0)
    known = sum(memory.known for memory in found)
    return Memorised(len(found), known / max(1, characters), longest)
