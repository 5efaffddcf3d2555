"""``femtogpt generate``: what a trained model writes after a beginning, as it writes it."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from femtogpt.errors import UserError
from femtogpt.generation.engine import Engine
from femtogpt.generation.sampling import Sampling
from femtogpt.generation.writing import stream
from femtogpt.model.loading import load_model
from femtogpt.tokens.tokenizer import Tokenizer

BETWEEN = "\n\n---\n\n"  # several texts
MOST_SEED = 2**31


def generate(
    run: Path,
    prompt: str,
    tokens: int,
    sampling: Sampling,
    seed: int | None,
    stop: list[str],
    count: int,
    as_json: bool,
    out: TextIO,
) -> None:
    """Write ``count`` texts to ``out``: as they are drawn, or each as a line of JSON.

    The seeds are ``seed`` and those after it, or drawn. Raises UserError for a run without a model.
    """
    if "" in stop:
        raise UserError("--stop is empty: give the text to stop before")
    engine, tokenizer = Engine(load_model(run, "auto")), Tokenizer.load(run)
    first = random.randrange(MOST_SEED) if seed is None else seed
    for number in range(count):
        parts = stream(engine, tokenizer, prompt, tokens, sampling, first + number, stop)
        if as_json:
            about = {"run": str(run), "seed": first + number, "prompt": prompt}
            print(json.dumps({**about, "text": "".join(parts)}, ensure_ascii=False), file=out)
        else:
            _show(parts, (BETWEEN if number else "") + prompt, out)


def _show(parts: Iterator[str], before: str, out: TextIO) -> None:
    out.write(before)
    try:
        for part in parts:
            out.write(part)
            out.flush()
    finally:  # after Ctrl-C too
        out.write("\n")
        out.flush()


def read_prompt(prompt: str) -> str:
    """The beginning itself, or what standard input has for ``-``, without its last line end."""
    return sys.stdin.read().removesuffix("\n") if prompt == "-" else prompt
