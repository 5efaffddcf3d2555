"""The text that an n-gram model counts: the train split, up to a size that fits in memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from femtogpt.tokens.shards import Tokens

MOST_TOKENS = 1 << 24  # counted with 1.7 GB of memory


def counted_text(tokens: Tokens) -> list[NDArray[np.integer]]:
    """The shards of the train split; of a larger split, the same share of each from its beginning.

    Each source counts once, whatever its weight.
    """
    shards = [shard for parts in tokens.shards("train").values() for shard in parts]
    share = min(1.0, MOST_TOKENS / max(1, tokens.total("train")))
    return [shard.ids[: round(share * shard.tokens)] for shard in shards]
