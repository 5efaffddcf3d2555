"""Growing a model in width: training begins with a narrow one, whose steps take less time.

The wide model first computes what the narrow one did: its new rows of attention and feed-forward
add nothing yet, as in an untrained model, and the old ones do not read the new columns. Growth that
keeps the function: Chen et al. 2016, Net2Net, arXiv 1511.05641; of language models: Du et al. 2024,
Stacking Your Transformers, arXiv 2405.15319.

Shapes: C width of the narrow model, V vocabulary.
"""

from __future__ import annotations

import math

from torch import Tensor

from femtogpt.config import ModelConfig
from femtogpt.model.gpt import GPT

EMBEDDING = "embed_tokens.weight"


def grown(weights: dict[str, Tensor], config: ModelConfig) -> dict[str, Tensor]:
    """The weights of a model of shape ``config`` from those of a narrower one, or its own.

    New weights are drawn from torch's generator.
    """
    vocab_size, width = weights[EMBEDDING].shape  # V, C
    if width == config.width:
        return weights
    wide: dict[str, Tensor] = GPT(config, vocab_size).state_dict()
    for name, weight in wide.items():
        narrow = weights[name]
        if name == EMBEDDING:
            weight[:, :width] = narrow
        elif weight.ndim == 2:
            rows, columns = narrow.shape
            weight[:rows] = 0
            weight[:rows, :columns] = narrow
        else:
            # RMSNorm divides by the mean square, which the new columns hardly add to.
            same = weight.shape == narrow.shape  # the norms of queries and keys
            weight[: len(narrow)] = narrow * (1 if same else math.sqrt(width / config.width))
    return wide
