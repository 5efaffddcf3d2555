"""What is told of a source when it has been read: what was mended, left out or unreadable."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePath

from femtogpt.sources.local import of_kinds

MAX_KINDS = 8  # in a line
log = logging.getLogger(__name__)


class ReadingSummary:
    """Counts by kind what happened to a source's files, and tells it in a line each."""

    def __init__(self, origin: str):
        """``origin``: where the source is, as the lines name it."""
        self.origin = origin
        self.mended: Counter[str] = Counter()
        self.letters: Counter[str] = Counter()  # of what was left out, by kind
        self.faults: Counter[str] = Counter()

    def tell_left_out(self, files: Iterable[PurePath]) -> None:
        """Warn of files that no format reads, by suffix."""
        if kinds := of_kinds(files):
            log.warning("%s: files of other kinds are left out: %s", self.origin, kinds)

    def add_mended(
        self, form: str, kinds: Iterable[str], letters: Mapping[str, int] | None = None
    ) -> None:
        """Count what was mended or left out in a file of a form, its suffix or its name.

        ``letters``: how many letters and digits were left out, by kind.
        """
        self.mended.update(f"{form} {kind}" for kind in kinds)
        self.letters.update({f"{form} {kind}": count for kind, count in (letters or {}).items()})

    def add_fault(self, form: str, fault: str) -> None:
        """Count a document that cannot be read, by the reason without its numbers."""
        self.faults[f"{form} {re.sub(r'[0-9][0-9.,]*', '…', fault)}"] += 1

    def tell(self) -> None:
        """Tell what was counted, those of most letters first."""
        for counts, what in (
            (self.mended, "mended or left out while reading"),
            (self.faults, "cannot be read and are rejected"),
        ):
            if counts:
                weights = {kind: self.letters[kind] + count for kind, count in counts.items()}
                kinds = sorted(counts, key=lambda kind: -weights[kind])
                parts = [
                    f"{kind}: {counts[kind]:,}{self._size(kind)}" for kind in kinds[:MAX_KINDS]
                ]
                if others := kinds[MAX_KINDS:]:
                    kind = "kind" if len(others) == 1 else "kinds"
                    parts.append(f"{len(others)} other {kind}{self._size(*others)}")
                log.warning("%s: %s: %s", self.origin, what, "; ".join(parts))

    def _size(self, *kinds: str) -> str:
        """Return how many letters went with these kinds; "" if none."""
        letters = sum(self.letters[kind] for kind in kinds)
        return f" ({letters:,} letters)" if letters else ""
