"""Having a model write: tokens after tokens, and text after a prompt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from femtogpt.generation.sampling import Sampling
from femtogpt.generation.text_stream import TextStream
from femtogpt.model.gpt import GPT, Cache
from femtogpt.tokens.tokenizer import Tokenizer

USUAL = Sampling()


def write(
    model: GPT,
    tokenizer: Tokenizer,
    prompt: str = "",
    tokens: int = 200,
    sampling: Sampling = USUAL,
    seed: int = 0,
) -> str:
    """The text written after ``prompt``: up to ``tokens`` tokens or the end of the document."""
    return "".join(stream(model, tokenizer, prompt, tokens, sampling, seed))


def stream(
    model: GPT,
    tokenizer: Tokenizer,
    prompt: str,
    tokens: int,
    sampling: Sampling,
    seed: int,
    stop: Sequence[str] = (),
) -> Iterator[str]:
    """The same text as it is written, in parts of whole characters.

    It ends before any of ``stop``, too.
    """
    random = torch.Generator(device=model.embed_tokens.weight.device).manual_seed(seed)
    text = TextStream(tokenizer, stop)
    ids = [tokenizer.eos, *tokenizer.encode(prompt)]
    for id in generate(model, ids, tokens, sampling, random, tokenizer.eos):
        yield text.add(id)
        if text.stopped:
            return
    yield text.rest()


def generate(
    model: GPT,
    ids: list[int],
    tokens: int,
    sampling: Sampling,
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
    seen = set(ids)
    for _ in range(tokens):
        with torch.no_grad():  # not inference mode: FSDP could not use the weights
            logits = model(torch.tensor([new], device=device), cache=cache)[0, -1].float()
            drawn = sampling.draw(logits, seen, random)
        if drawn == end:
            return
        yield drawn
        seen.add(drawn)
        new = [drawn]
