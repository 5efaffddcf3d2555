"""Tells in one line what was put right, or left out, while a file was read."""

from __future__ import annotations

import logging
from collections.abc import Mapping

log = logging.getLogger(__name__)


def tell(file: str, counts: Mapping[str, int]) -> None:
    """Log what happened to a file, by kind: «a.csv: rows with …: 3; rows of …: 1»."""
    if any(counts.values()):
        kinds = (f"{kind}: {count:,}" for kind, count in counts.items() if count)
        log.warning("%s: %s", file, "; ".join(kinds))
