"""What the page offers: the runs of a data folder, and beginnings for them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from femtogpt.artifacts.artifact import MANIFEST, Artifact, read_manifest
from femtogpt.artifacts.lookup import named_in
from femtogpt.errors import Damaged
from femtogpt.evaluation.around_run import found
from femtogpt.sources.interviews.turns import SPEAKER
from femtogpt.tokens.shards import Tokens

# For runs whose samples begin documents, as those of the configuration ``sample`` do.
USUAL = ("Однажды", "Жила-была", "Ранним утром")


@dataclass(frozen=True)
class Choice:
    """A run that a person may choose."""

    name: str
    short: str  # as ``femtogpt runs`` shows it
    configuration: str | None
    parameters: int | None
    bits: float | None  # held-out, per character
    is_estimate: bool  # on a part of the held-out text
    date: str
    state: str  # only finished ones write


def beginnings(run: Path, data: Path) -> list[str]:
    """The prompts of all samples that were written with a run, which are its configuration's.

    Where these are empty, or there are no samples, they are USUAL.
    """
    prompts: list[str] = []
    with suppress(OSError, ValueError):
        content = Artifact.load(run).content
        for path in sorted((data / "samples").glob(f"[!.]*/{MANIFEST}")):
            manifest = read_manifest(path.parent)
            if manifest.get("inputs", {}).get("run") == content:
                prompts += manifest.get("config", {}).get("prompts", [])
    return [text for text in dict.fromkeys(prompts) if text] or [*USUAL]


def knows_turns(run: Path, data: Path) -> bool | None:
    """Whether a run's text has turns of a dialogue; None if its text is no longer there.

    ``femtogpt.generation.dialogue`` asks the model instead. That takes torch and the weights of
    each run, and the page lists all of them before any is loaded.
    """
    tokens = None
    with suppress(Damaged):  # whatever it is, the page lists the runs
        artifact = found(Artifact.load, run)
        tokens = artifact and found(named_in, artifact, "tokens", data)
    return None if tokens is None else _has_turns(tokens.path)


@lru_cache
def _has_turns(tokens: Path) -> bool:
    shards = Tokens(tokens)
    mark = shards.tokenizer().encode(SPEAKER)
    return len(mark) == 1 and any(
        bool(np.any(shard.ids == mark[0]))
        for part in shards.shards("train").values()
        for shard in part
    )
