"""Sampling text from a model, with temperature, top-k and top-p."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from femtogpt.model.gpt import GPT, Cache
from femtogpt.tokens.tokenizer import Tokenizer


def write(
    model: GPT,
    tokenizer: Tokenizer,
    prompt: str = "",
    tokens: int = 200,
    temperature: float = 0.8,
    top_k: int | None = None,
    top_p: float = 1.0,
    seed: int = 0,
) -> str:
    """The text written after ``prompt``: up to ``tokens`` tokens or the end of the document."""
    random = torch.Generator(device=model.embed_tokens.weight.device).manual_seed(seed)
    ids = [tokenizer.eos, *tokenizer.encode(prompt)]
    drawn = generate(model, ids, tokens, temperature, top_k, top_p, random, tokenizer.eos)
    # Decoded together with the prompt: the bytes of a character may be in both.
    return tokenizer.decode([*ids, *drawn])[len(prompt) :]


def generate(
    model: GPT,
    ids: list[int],
    tokens: int,
    temperature: float,
    top_k: int | None,
    top_p: float,
    random: torch.Generator,
    end: int | None = None,
) -> Iterator[int]:
    """Draw up to ``tokens`` ids after ``ids``, which must not be empty; stops before ``end``.

    Each layer sees the last ``context`` positions. Only the last ``context`` ids are read.
    """
    device = model.embed_tokens.weight.device
    context = model.config.context
    cache = Cache(model.config.layers, context)
    new = ids[-context:]
    for _ in range(tokens):
        with torch.no_grad():  # not inference mode: FSDP could not use the weights
            logits = model(torch.tensor([new], device=device), cache=cache)[0, -1].float()
            drawn = draw(logits, temperature, top_k, top_p, random)
        if drawn == end:
            return
        yield drawn
        new = [drawn]


def draw(
    logits: torch.Tensor,
    temperature: float,
    top_k: int | None,
    top_p: float,
    random: torch.Generator,
) -> int:
    """Draw an id by logits (V,): among the ``top_k`` most likely, and the fewest with ``top_p``.

    Temperature 0 takes the most likely one. Nucleus sampling: Holtzman et al. 2020.
    """
    if temperature == 0:
        return int(logits.argmax())
    logits = logits - logits.max()  # so that a tiny temperature can overflow only to −∞
    probabilities, ids = torch.softmax(logits / temperature, dim=-1).sort(descending=True)
    if top_k is not None:
        probabilities, ids = probabilities[:top_k], ids[:top_k]
        probabilities = probabilities / probabilities.sum()
    before = probabilities.cumsum(0) - probabilities
    probabilities = probabilities.where(before < top_p, 0.0)  # the most likely one always stays
    return int(ids[torch.multinomial(probabilities, 1, generator=random)])
