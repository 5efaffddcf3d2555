"""What samples have from the training text, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from femtogpt.artifacts.artifact import Artifact
from femtogpt.memorisation.index_layout import AT_LEAST
from femtogpt.memorisation.memory_stage import MEMORY_FILE

FIGURES = ("longest_characters", "nearly_characters", "share")


def summary_lines(artifact: Artifact, gap: float) -> Iterator[str]:
    """The figures of the samples, those of held-out passages, and the gap.

    ``gap`` is by how many bits per character held-out text costs more than training text.
    """
    found = json.loads((artifact.path / MEMORY_FILE).read_text(encoding="utf-8"))
    counts, held_out = artifact.counts, found["held_out"]
    known = (record["longest"] for record in found["samples"] if record["longest"])
    longest = max(known, key=lambda stretch: stretch["end"] - stretch["start"], default=None)
    source = f" ({name_of(longest['work'])})" if longest else ""
    yield f"{_figures(counts, source)} of the samples in stretches of {AT_LEAST} or more"
    if held_out["passages"]:
        by = " by the same authors" if held_out["same_authors"] else ""
        chance = {name: counts[f"held_out_{name}"] for name in FIGURES}
        yield f"by chance, passages of the same length from held-out works{by}: {_figures(chance)}"
    yield f"held-out text takes {gap:.3f} bits per character more than training text"


def _figures(figures: Mapping[str, Any], source: str = "") -> str:
    longest, nearly, share = (figures[name] for name in FIGURES)
    return f"{longest} characters verbatim at most{source}, {nearly} nearly; {share:.1%}"


def name_of(work: Mapping[str, Any]) -> str:
    """A work's author and title, or its source and id if it has no title."""
    if not work["title"]:
        return f"{work['source']}/{work['id']}"
    author = f"{work['author']}, " if work["author"] else ""
    return f"{author}«{work['title']}»"
