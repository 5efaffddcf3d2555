"""How much a stage will write, from what is known of its inputs before it begins.

The figures are a little lower than what was measured, so that nothing is refused that would fit.
Sources that copy or download files say it themselves, as does the training.
"""

from __future__ import annotations

import math

from femtogpt.artifacts.artifact import Recipe

SAMPLE_BYTES = 1.6  # for a character of made-up stories
CORPUS_SHARE = 0.2  # of the raw bytes: plain text is compressed to 0.26 of them, a zip to 1.0
CORPUS_BYTES = 20_000  # of any corpus: its report, balance and manifest
# In a token, for each bit of the vocabulary; measured: 0.24 with 2,000 pieces, 0.27 with 8,000.
CHARACTERS_PER_BIT = 0.3
UINT16_PIECES = 1 << 16  # more take four bytes for a token
INDEX_BYTES = 5  # for a character of the text index: 5 or 6


def bytes_to_write(recipe: Recipe) -> int:
    """The least that the stage will write; 0 if nobody knows."""
    inputs = recipe.inputs.values()
    known = {name: count for artifact in inputs for name, count in artifact.counts.items()}
    train, held_out = (known.get(f"{split}_characters", 0) for split in ("train", "held_out"))
    if recipe.kind == "raw":
        return int(SAMPLE_BYTES * recipe.config.get("characters", 0))
    if recipe.kind == "corpus":
        return CORPUS_BYTES + int(CORPUS_SHARE * sum(raw.counts.get("bytes", 0) for raw in inputs))
    if recipe.kind == "tokens" and (pieces := known.get("pieces")):
        tokens = (train + held_out) / (CHARACTERS_PER_BIT * math.log2(pieces))
        return int(tokens * (2 if pieces <= UINT16_PIECES else 4))
    if recipe.kind == "text_index":
        return int(INDEX_BYTES * train)
    return 0
