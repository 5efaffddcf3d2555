"""Writing text with a model: sampling with temperature, top-k and top-p."""

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
    """What the model writes after ``prompt``, up to ``tokens`` tokens or the document's end."""
    random = torch.Generator(device=model.embed_tokens.weight.device).manual_seed(seed)
    ids = [tokenizer.eos, *tokenizer.encode(prompt)]
    drawn = generate(model, ids, tokens, temperature, top_k, top_p, random, tokenizer.eos)
    # Decoded together with the prompt: a character may be spelled in bytes across both.
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
    """Draw up to ``tokens`` ids after ``ids``, which are not empty; stops before ``end``.

    Each layer sees the last ``context`` positions; of a longer prompt, the last ``context`` ids
    are read.
    """
    device = model.embed_tokens.weight.device
    context = model.config.context
    cache = Cache(model.config.layers, context)
    new = ids[-context:]
    for _ in range(tokens):
        with torch.no_grad():  # FSDP gathers weights into what inference mode would spoil
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
    """One id from logits (V,): of the ``top_k`` likeliest, then of the fewest that hold ``top_p``.

    Temperature 0 takes the likeliest. Nucleus sampling: Holtzman et al. 2020.
    """
    if temperature == 0:
        return int(logits.argmax())
    logits = logits - logits.max()  # so that a tiny temperature overflows to −∞ alone
    chances, ids = torch.softmax(logits / temperature, dim=-1).sort(descending=True)
    if top_k is not None:
        chances, ids = chances[:top_k], ids[:top_k]
        chances = chances / chances.sum()
    before = chances.cumsum(0) - chances
    chances = chances.where(before < top_p, 0.0)  # the likeliest one always stays
    return int(ids[torch.multinomial(chances, 1, generator=random)])
