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
    for _, part in stream_together(engine, tokenizer, [prompt], tokens, sampling, [seed], stop):
        yield part


def write_together(
    engine: Engine,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    tokens: int,
    sampling: Sampling,
    seeds: Sequence[int],
    stop: Sequence[str] = (),
) -> list[str]:
    """The texts after several prompts, which take less time together than one by one."""
    texts = [""] * len(prompts)
    for number, part in stream_together(engine, tokenizer, prompts, tokens, sampling, seeds, stop):
        texts[number] += part
    return texts


def stream_together(
    engine: Engine,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    tokens: int,
    sampling: Sampling,
    seeds: Sequence[int],
    stop: Sequence[str] = (),
) -> Iterator[tuple[int, str]]:
    """Several texts as they are written: the number of a text, and its next part."""
    randoms = [torch.Generator(engine.device).manual_seed(seed) for seed in seeds]
    texts = [TextStream(tokenizer, stop) for _ in prompts]
    ids = [[tokenizer.eos, *tokenizer.encode(prompt)] for prompt in prompts]
    going = set(range(len(prompts)))
    for drawn in generate_together(engine, ids, tokens, sampling, randoms, tokenizer.eos, going):
        for number, id in drawn.items():
            yield number, texts[number].add(id)
            if texts[number].stopped:
                going.remove(number)
    for number, text in enumerate(texts):
        yield number, text.rest()


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
    for drawn in generate_together(engine, [ids], tokens, sampling, [random], end, {0}):
        yield from drawn.values()


def generate_together(
    engine: Engine,
    prompts: Sequence[list[int]],
    tokens: int,
    sampling: Sampling,
    randoms: Sequence[torch.Generator],
    end: int | None,
    going: set[int],
) -> Iterator[dict[int, int]]:
    """The same for several texts: the ids that were drawn at once, by the number of the text.

    ``going`` has the numbers of the texts that go on; who takes one out ends that text.
    """
    seen = [set(ids) for ids in prompts]
    texts, logits = engine.begin(prompts)
    rows = list(range(len(prompts)))  # the number of the text in each row
    for left in range(tokens - 1, -1, -1):
        drawn = {
            number: sampling.draw(row, seen[number], randoms[number])
            for number, row in zip(rows, logits, strict=True)
        }
        going -= {number for number, id in drawn.items() if id == end}
        yield {number: id for number, id in drawn.items() if number in going}
        if not going or not left:
            return
        if len(going) < len(rows):
            kept = [row for row, number in enumerate(rows) if number in going]
            texts, rows = texts.only(kept), [rows[row] for row in kept]
        for number in rows:
            seen[number].add(drawn[number])
        logits = engine.step(texts, [drawn[number] for number in rows])
