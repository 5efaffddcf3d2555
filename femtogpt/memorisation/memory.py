"""How much of a text is memory: what a sample's record says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from femtogpt.memorisation.text_index import NearStretch, Stretch, TextIndex


@dataclass(frozen=True)
class Memory:
    """What of a text stands in the train split."""

    characters: int  # of the text
    longest: Stretch | None
    known: int  # characters inside verbatim stretches of 50 characters or more
    nearly: NearStretch | None  # the longest with at most one change in twenty letters

    @property
    def share(self) -> float:
        """The share of the text inside verbatim stretches of 50 characters or more."""
        return self.known / self.characters if self.characters else 0.0


def memory_of(index: TextIndex, text: str) -> Memory:
    """What of a text stands in the train split.

    Of a sample, ``text`` is what the model wrote, without the prompt: of a stretch that begins in
    the prompt, the model's part counts.
    """
    stretches = index.stretches(text)
    longest = max(stretches, key=len) if stretches else index.longest(text)
    return Memory(len(text), longest, covered(stretches), index.nearly(text))


def covered(stretches: Iterable[Stretch]) -> int:
    """The characters of a text inside stretches, which are in order and may overlap."""
    count = end = 0
    for stretch in stretches:
        count += stretch.end - max(stretch.start, end)
        end = stretch.end
    return count


def record(index: TextIndex, text: str) -> dict[str, Any]:
    """What of a text stands in the train split, as JSON."""
    memory = memory_of(index, text)
    longest, nearly = (
        stretch and {**asdict(stretch), "text": text[stretch.start : stretch.end]}
        for stretch in (memory.longest, memory.nearly)
    )
    if nearly and memory.nearly:
        there = memory.nearly.place, memory.nearly.place_end
        nearly["text_there"] = index.passage(memory.nearly.work, *there)
    figures = {"characters": memory.characters, "known": memory.known, "share": memory.share}
    return {**figures, "longest": longest, "nearly": nearly}


def figures(records: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The longest stretches of some texts, in characters, and the share of all their text."""
    characters = sum(record["characters"] for record in records)
    return {
        "longest_characters": max(map(_length, (record["longest"] for record in records))),
        "nearly_characters": max(map(_length, (record["nearly"] for record in records))),
        "share": sum(record["known"] for record in records) / max(1, characters),
    }


def _length(stretch: dict[str, Any] | None) -> int:
    return stretch["end"] - stretch["start"] if stretch else 0
