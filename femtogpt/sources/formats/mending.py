"""Tells in one line what was put right, or left out, while a file was read."""

from __future__ import annotations

import logging
from collections.abc import Mapping

log = logging.getLogger(__name__)


def tell(file: str, counts: Mapping[str, int]) -> None:
    """Log what happened to a file, by kind: «a.csv: 3 rows with …; 1 row with …»."""
    if any(counts.values()):
        kinds = (f"{count:,} {kind}" for kind, count in counts.items() if count)
        log.warning("%s: %s", file, "; ".join(kinds))
