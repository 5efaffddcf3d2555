"""Having a model write: tokens after tokens, and text after a prompt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from femtogpt.generation.engine import Engine
from femtogpt.generation.sampling import Sampling
from femtogpt.generation.text_stream import TextStream
from femtogpt.tokens.tokenizer import Tokenizer

USUAL = Sampling()


def write(
    engine: Engine,
    tokenizer: Tokenizer,
    prompt: str = "",
    tokens: int = 200,
    sampling: Sampling = USUAL,
    seed: int = 0,
) -> str:
    """The text written after ``prompt``: up to ``tokens`` tokens or the end of the document."""
    return "".join(stream(engine, tokenizer, prompt, tokens, sampling, seed))


def stream(
    engine: Engine,
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
    random = torch.Generator(engine.embedding.device).manual_seed(seed)
    text = TextStream(tokenizer, stop)
    ids = [tokenizer.eos, *tokenizer.encode(prompt)]
    for id in generate(engine, ids, tokens, sampling, random, tokenizer.eos):
        yield text.add(id)
        if text.stopped:
            return
    yield text.rest()


def generate(
    engine: Engine,
    ids: list[int],
    tokens: int,
    sampling: Sampling,
    random: torch.Generator,
    end: int | None = None,
) -> Iterator[int]:
    """Draw up to ``tokens`` ids after ``ids``, which must not be empty; stops before ``end``.

    Each layer sees the last ``context`` positions. Only the last ``context`` ids are read.
    """
    seen = set(ids)
    texts, logits = engine.begin([ids])
    for number in range(tokens):
        drawn = sampling.draw(logits[0], seen, random)
        if drawn == end:
            return
        yield drawn
        seen.add(drawn)
        if number + 1 < tokens:
            logits = engine.step(texts, [drawn])
