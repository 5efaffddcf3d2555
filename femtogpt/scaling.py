"""One dial: from a size to the shape of a model, and from that to how it is trained.

A size is a name or a number of parameters. Width and depth grow together, as in nanochat: a layer
for every 64 of width, heads of 64. Parameters are those of ``femtogpt.model.gpt``: the embedding,
which is also the head, and 12 × width² for each layer. The rules for batch, rates and epochs are
fitted on what docs/experiments.md tells.
"""

from __future__ import annotations

import math

from femtogpt.errors import nearest

HEAD = 64  # width of a head, and of the steps in which widths are looked for
NAMED: dict[str, int | dict[str, int]] = {
    "nano": 5_000_000,  # for a CPU, in minutes
    "original": {"layers": 3, "width": 1024, "heads": 16, "feed_forward": 3584},  # as wide and deep
    "home-8gb": 54_000_000,  # for a card of 8 GB
    "large": 250_000_000,  # more than four times the original
}


def shape(size: str | int, vocab_size: int) -> dict[str, int]:
    """Layers, width and heads for a size: the nearest number of parameters that the rule gives.

    Raises ValueError for an unknown name.
    """
    if isinstance(size, str):
        if size not in NAMED:
            names = ", ".join(NAMED)
            raise ValueError(
                f"size {size!r} is unknown{nearest(size, NAMED)}; there are: {names}, or a number"
            )
        size = NAMED[size]
    if isinstance(size, dict):
        return size
    if isinstance(size, bool) or size < 1:
        raise ValueError(f"size {size} is no number of parameters")
    widths = range(HEAD, 16384, HEAD)
    width = min(widths, key=lambda width: abs(_parameters(width, vocab_size) - size))
    return {"layers": _layers(width), "width": width, "heads": width // HEAD}


def _layers(width: int) -> int:
    return max(2, width // HEAD)


def _parameters(width: int, vocab_size: int) -> int:
    return vocab_size * width + 12 * width * width * _layers(width)


def recipe(width: int, context: int) -> dict[str, float]:
    """Batch and peak rates for a width.

    A batch of 2,048 tokens at width 256, and more with width: Muon's iterations take time by
    width, whatever the batch. Rates of AdamW, which is left with the embedding, fall with width.
    """
    tokens = 2048 * (width / 256) ** 1.5
    return {
        "batch_size": max(1, 2 ** round(math.log2(tokens / context))),
        "learning_rate": round(0.012 * (256 / width) ** 0.5, 5),
        "muon_learning_rate": 0.01,
    }


def epochs(parameters: int, tokens: int) -> float:
    """Passes over a text of so many tokens: 20 tokens for each parameter, but 16 passes at most.

    The first is what pays where text is plenty (Hoffmann et al. 2022, Chinchilla); beyond some
    16 passes a text has little left to teach (Muennighoff et al. 2023).
    """
    return min(16.0, 20 * parameters / tokens)


def weight_decay(passes: float, steps: int, rate: float) -> float:
    """Decay, per step and unit of ``rate``, for so many passes over the text in so many steps.

    What is learned in a step fades in ``1 / (rate × decay)`` steps: with this decay in one pass
    over the text, or in the whole training where that is shorter. That the best time to fade is a
    number of passes, whatever the steps, is Wang & Aitchison 2024; docs/experiments.md.
    """
    return round(min(10.0, max(1.0, passes) / (rate * steps)), 4)
