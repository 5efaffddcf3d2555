"""Many texts as one array of bytes, without a copy of each: numpy looks for characters in it."""

from __future__ import annotations

import numpy as np
import polars as pl


def joined(texts: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """The UTF-8 of texts, one after the other, as uint8, and where each starts; then the end."""
    _, offsets, data = texts.to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()
    starts = np.frombuffer(offsets, np.int64, len(texts) + 1)
    return np.frombuffer(data or b"", np.uint8)[starts[0] : starts[-1]], starts - starts[0]
