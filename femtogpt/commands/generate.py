"""``femtogpt generate``: what a trained model writes after a beginning, as it writes it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from femtogpt.errors import UserError
from femtogpt.generation.sampling import Sampling
from femtogpt.generation.writer import Writer
from femtogpt.generation.writing import stream, write_together

BETWEEN = "\n\n---\n\n"  # several texts
MOST_SEED = 2**31
TOGETHER = 16  # texts at once: more of them take more memory and hardly less time for each


def generate(
    run: Path,
    prompts: Sequence[str],
    tokens: int,
    sampling: Sampling,
    seed: int | None,
    stop: list[str],
    count: int,
    together: bool,
    weights: str,
    as_json: bool,
    out: TextIO,
) -> None:
    """Write ``count`` texts after each prompt to ``out``: as they are drawn, or as lines of JSON.

    The seeds of a prompt are ``seed`` and those after it, or drawn. If ``together``, up to TOGETHER
    texts are written at once, and each is shown once all of them are finished. Raises UserError for
    a run without a model.
    """
    if "" in stop:
        raise UserError("--stop is empty: give the text to stop before")
    writer = Writer.load(run, weights)
    engine, tokenizer = writer.engine, writer.tokenizer
    first = random.randrange(MOST_SEED) if seed is None else seed
    wanted = [(prompt, first + number) for prompt in prompts for number in range(count)]

    def written() -> Iterator[Iterable[str]]:
        """The texts, each in parts."""
        for start in range(0, len(wanted), TOGETHER):
            part = wanted[start : start + TOGETHER]
            if together:
                beginnings, seeds = zip(*part, strict=True)
                how = beginnings, tokens, sampling, seeds, stop
                yield from ([text] for text in write_together(engine, tokenizer, *how))
            else:
                for prompt, seed in part:
                    yield stream(engine, tokenizer, prompt, tokens, sampling, seed, stop)

    for number, ((prompt, seed), parts) in enumerate(zip(wanted, written(), strict=True)):
        if as_json:
            about = {"run": str(run), "seed": seed, "prompt": prompt, "text": "".join(parts)}
            print(json.dumps(about, ensure_ascii=False), file=out)
        else:
            _show(parts, (BETWEEN if number else "") + prompt, out)


def _show(parts: Iterable[str], before: str, out: TextIO) -> None:
    out.write(before)
    try:
        for part in parts:
            out.write(part)
            out.flush()
    finally:  # after Ctrl-C too
        out.write("\n")
        out.flush()
