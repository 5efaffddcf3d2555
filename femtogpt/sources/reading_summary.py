"""What is told of a source when it has been read: what was mended, left out or unreadable."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath

from femtogpt.sources.local import of_kinds

MAX_KINDS = 8  # in a line
log = logging.getLogger(__name__)


class ReadingSummary:
    """Counts by kind what happened to a source's files, and tells it in a line each."""

    def __init__(self, place: str):
        """``place``: where the source is, as the lines name it."""
        self.place = place
        self.mended: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()

    def tell_left_out(self, files: Iterable[PurePath]) -> None:
        """Warn of files that no format reads, by suffix."""
        if kinds := of_kinds(files):
            log.warning("%s: files of other kinds are left out: %s", self.place, kinds)

    def add_mended(self, form: str, kinds: Iterable[str]) -> None:
        """Count what was mended or left out in a file of a form, its suffix or its name."""
        self.mended.update(f"{form} {kind}" for kind in kinds)

    def add_fault(self, form: str, fault: str) -> None:
        """Count a document that cannot be read, by the reason without its numbers."""
        self.faults[f"{form} {re.sub(r'[0-9][0-9.,]*', '…', fault)}"] += 1

    def tell(self) -> None:
        """Tell what was counted, the most frequent first."""
        for counts, what in (
            (self.mended, "mended or left out while reading"),
            (self.faults, "cannot be read and are rejected"),
        ):
            if counts:
                kinds = [f"{kind}: {count:,}" for kind, count in counts.most_common(MAX_KINDS)]
                more = [f"{len(counts) - MAX_KINDS} other kinds"] * (len(counts) > MAX_KINDS)
                log.warning("%s: %s: %s", self.place, what, "; ".join([*kinds, *more]))
