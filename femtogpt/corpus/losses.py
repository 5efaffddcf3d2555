"""What a rule took from the letters and digits of documents: sums, and what a person should see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from femtogpt.corpus.letter_counts import Difference
from femtogpt.corpus.stretches import Gap, stretches

LONGEST = 5  # stretches that are listed of each rule
STRETCH_CHARACTERS = 300  # of a listed stretch's text
MIN_STRETCH = 30  # letters and digits: a shorter stretch is not worth a look
WORST = 3  # documents that are named
NOTABLE_SHARE = 0.02  # of a document's letters and digits: a rule that takes more is named
NOTABLE_STRETCH = 500  # characters: so is a rule that takes as long a stretch


@dataclass(frozen=True)
class Taken:
    """A stretch that a rule took from a document."""

    id: str
    letters: int  # and digits
    characters: int
    text: str  # its start


@dataclass(frozen=True)
class Notable:
    """A document of which a rule took much."""

    id: str
    taken: int  # letters and digits
    decoded: int  # those that the document had before cleaning
    stretch: int  # characters of the longest stretch


@dataclass
class Losses:
    """What a rule did to the letters and digits of some documents."""

    taken: int = 0
    replaced: int = 0  # by other letters or digits
    added: int = 0
    longest: list[Taken] = field(default_factory=list)
    notable: int = 0  # documents of which it took much
    worst: list[Notable] = field(default_factory=list)  # of these

    def add(self, id: str, decoded: int, change: Difference, gaps: list[Gap]) -> None:
        """Count a change to a document; ``gaps`` have all that differs."""
        self.taken += change.taken
        self.replaced += change.replaced
        self.added += change.added
        stretch = 0
        worth = self.longest[-1].letters + 1 if len(self.longest) == LONGEST else MIN_STRETCH
        least = min(worth, NOTABLE_STRETCH // 2)  # letters in a stretch that is notable
        if change.taken >= least:
            found = [
                Taken(id, letters, len(text), text[:STRETCH_CHARACTERS])
                for gap in gaps
                for letters, text in stretches(gap, least)
            ]
            stretch = max((taken.characters for taken in found), default=0)
            self.longest = _longest([*self.longest, *found])
        if change.taken > NOTABLE_SHARE * decoded or stretch >= NOTABLE_STRETCH:
            self.notable += 1
            self.worst = _worst([*self.worst, Notable(id, change.taken, decoded, stretch)])

    def report(self) -> dict[str, Any]:
        """All of it, as a JSON value."""
        return {
            "letters": {"taken": self.taken, "replaced": self.replaced, "added": self.added},
            "longest": [asdict(taken) for taken in self.longest],
            "notable": {"documents": self.notable, "worst": [asdict(one) for one in self.worst]},
        }


def together(several: Iterable[Losses]) -> Losses:
    """What a rule did to all of the documents."""
    several = list(several)
    return Losses(
        sum(losses.taken for losses in several),
        sum(losses.replaced for losses in several),
        sum(losses.added for losses in several),
        _longest(taken for losses in several for taken in losses.longest),
        sum(losses.notable for losses in several),
        _worst(notable for losses in several for notable in losses.worst),
    )


def _longest(found: Iterable[Taken]) -> list[Taken]:
    return sorted(found, key=lambda taken: -taken.letters)[:LONGEST]


def _worst(found: Iterable[Notable]) -> list[Notable]:
    return sorted(found, key=lambda notable: -notable.taken)[:WORST]
