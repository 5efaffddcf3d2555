"""What samples have from the training text, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from femtogpt.artifacts.artifact import Artifact
from femtogpt.memorisation.memory_stage import MEMORY_FILE

FIGURES = ("longest_characters", "nearly_characters", "share")


def summary_lines(artifact: Artifact, gap: float) -> Iterator[str]:
    """The figures of the samples, those of held-out passages, and the gap.

    ``gap`` is by how many bits per character held-out text costs more than training text.
    """
    found = json.loads((artifact.path / MEMORY_FILE).read_text(encoding="utf-8"))
    counts, held_out = artifact.counts, found["held_out"]
    longest = max(
        (record["longest"] for record in found["samples"] if record["longest"]),
        key=lambda stretch: stretch["end"] - stretch["start"],
        default=None,
    )
    where = f" ({name_of(longest['work'])})" if longest else ""
    yield f"samples: {_figures(counts)}{where}"
    if held_out["passages"]:
        by = " by the same authors" if held_out["same_authors"] else ""
        chance = {name: counts[f"held_out_{name}"] for name in FIGURES}
        yield f"passages as long from held-out works{by}: {_figures(chance)}"
    yield f"held-out text costs {gap:.3f} bits per character more than training text"


def _figures(figures: Mapping[str, Any]) -> str:
    longest, nearly, share = (figures[name] for name in FIGURES)
    return (
        f"{longest} characters in a row are in the training text, {nearly} nearly;"
        f" {share:.1%} in rows of 50 or more"
    )


def name_of(work: Mapping[str, Any]) -> str:
    """A work's author and title, as far as they are known; else its source and id."""
    known = [work["author"] or "", f"«{work['title']}»" if work["title"] else ""]
    return ", ".join(filter(None, known)) if work["title"] else f"{work['source']}/{work['id']}"
