"""Many texts as one array of bytes, in which numpy looks for characters."""

from __future__ import annotations

import numpy as np
import polars as pl


def joined(texts: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """The UTF-8 of texts, one after the other, as uint8, and where each starts; then the end.

    No text is null. (``to_arrow`` needs pyarrow, which takes 30 MB of memory in each process.)
    """
    parts = texts.cast(pl.Binary).to_list()
    data = parts[0] if len(parts) == 1 else b"".join(parts)
    return np.frombuffer(data, np.uint8), np.cumsum([0, *map(len, parts)])
