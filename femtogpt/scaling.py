"""One dial: from a size to the shape of a model, and from the shape to the training settings.

A size is a name or a number of parameters. Width and depth grow together, as in nanochat: a layer
for every 64 of width, heads of 64. Parameters are those of ``femtogpt.model.gpt``: the embedding,
which is also the head, and 12 × width² for each layer. The rules for batch, rates and epochs are
fitted to the experiments in docs/experiments.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from femtogpt.errors import nearest
from femtogpt.section import is_count

MOST_EPOCHS = 16.0  # passes, after which a text has little left to teach
WORTHWHILE_FLOPS = 2e13  # of a training on a CPU, about a minute
BETA2_HALF_LIFE = 1_400_000  # tokens after which a squared gradient counts half
HEAD_SIZE = 64  # width of a head; widths are multiples of it
NAMED_SIZES: dict[str, int | dict[str, int]] = {
    "nano": 5_000_000,  # for a CPU, in minutes
    "original": {"layers": 3, "width": 1024, "heads": 16, "feed_forward": 3584},  # its width, depth
    "home-8gb": 54_000_000,  # for a card of 8 GB
    "large": 250_000_000,  # more than four times the original
}


def shape(size: str | int, vocab_size: int) -> dict[str, int]:
    """Layers, width and heads for a size: those with the nearest number of parameters.

    Raises ValueError for an unknown name or a number below 1.
    """
    if isinstance(size, str) and size not in NAMED_SIZES:
        names = ", ".join(NAMED_SIZES)
        raise ValueError(
            f"size {size!r} is unknown{nearest(size, NAMED_SIZES)}; choose {names}, or a number"
        )
    parameters = NAMED_SIZES[size] if isinstance(size, str) else size
    if isinstance(parameters, dict):
        return parameters
    if isinstance(parameters, bool) or parameters < 1:
        raise ValueError(f"size {parameters} is not a number of parameters")
    widths = range(HEAD_SIZE, 16384, HEAD_SIZE)
    width = min(widths, key=lambda width: abs(_parameters(width, vocab_size) - parameters))
    return shape_of_width(width)


def shape_of_width(width: int) -> dict[str, int]:
    """Layers, width and heads of a model of this width."""
    return {"layers": _layers(width), "width": width, "heads": width // HEAD_SIZE}


def _layers(width: int) -> int:
    return max(2, width // HEAD_SIZE)


def _parameters(width: int, vocab_size: int) -> int:
    return vocab_size * width + 12 * width * width * _layers(width)


def recipe(width: int, context: int) -> dict[str, float]:
    """Batch size and peak learning rates for a width.

    A batch of 2,048 tokens at width 256, and more with width: the time of Muon's iterations depends
    on the width, not on the batch. AdamW, which trains the embedding, has lower rates with width.
    """
    tokens = 2048 * (width / 256) ** 1.5
    return {
        "batch_size": max(1, 2 ** round(math.log2(tokens / context))),
        "learning_rate": round(0.012 * (256 / width) ** 0.5, 5),
        "muon_learning_rate": 0.01,
    }


def beta2(tokens: int) -> float:
    """The decay of AdamW's squared gradients for batches of ``tokens`` tokens.

    They are averaged over so many tokens, whatever the batch (Marek et al. 2025, Small batch size
    training for language models, arXiv 2507.07101); for large batches it is the usual 0.95.
    """
    return round(min(0.9999, max(0.95, 0.5 ** (tokens / BETA2_HALF_LIFE))), 4)


def dialled(train: Mapping[str, Any], width: int, context: int) -> dict[str, Any]:
    """Training settings with what is not given among them, for a width and a context.

    Embeddings that begin from the text are moved half as fast.
    """
    derived = recipe(width, context)
    if train.get("embedding_init") == "cooccurrence":
        derived["learning_rate"] /= 2
    settings = {**derived, **train}
    if is_count(batch := settings["batch_size"]) and batch > 0:
        settings.setdefault("beta2", beta2(batch * context))
    return settings


def learning(given: Mapping[str, Any], context: int, head: float) -> dict[str, Any]:
    """Training settings that gain most from a given time, for what is not ``given`` among them.

    ``head``: its share of the parameters. docs/experiments.md has how much each gains.
    """
    settings: dict[str, Any] = {"decay": min(0.8, 1 - given.get("warmup", 0.0))}
    settings["subword_rate"] = 0.7
    if head > 0.2:  # its products take most of the time
        settings["softmax_tokens"] = 3000
    if given.get("init_from") is None:
        settings |= {"embedding_init": "cooccurrence", "ngram_share": 1.0}
    if context >= 256 and context % 2 == 0 and given.get("decay", 1.0):
        settings["first_context"] = context // 2
    return {name: value for name, value in settings.items() if name not in given}


def dropout(passes: float) -> float:
    """Dropout for so many passes over the text: little text is learned by heart without it."""
    return 0.0 if passes <= 4 else 0.1 if passes <= 8 else 0.2


def epochs(parameters: int, tokens: float) -> float:
    """Passes over a text of ``tokens`` tokens: 20 tokens per parameter, or MOST_EPOCHS.

    The first is optimal when text is plentiful (Hoffmann et al. 2022, Chinchilla); after about 16
    passes a text has little left to teach (Muennighoff et al. 2023).
    """
    return min(MOST_EPOCHS, 20 * parameters / tokens)


def weight_decay(passes: float, steps: int, rate: float) -> float:
    """Weight decay for a training that makes ``passes`` over its text in ``steps``.

    A step's update fades within ``1 / (rate × decay)`` steps: with this decay in one pass over the
    text, or in the whole training if that is shorter. That the best time is a number of passes,
    whatever the steps, is from Wang & Aitchison 2024; see docs/experiments.md.
    """
    return round(min(10.0, max(1.0, passes) / (rate * steps)), 4)


def is_worth_compiling(parameters: int, tokens: int) -> bool:
    """Whether a training on a CPU is so long that compiling saves more time than it takes."""
    return 6 * parameters * tokens >= WORTHWHILE_FLOPS
