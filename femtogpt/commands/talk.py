"""``femtogpt talk``: a dialogue with a model, a line of the person and a turn of the model."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from femtogpt.commands.generate import MOST_SEED
from femtogpt.generation.dialogue import Dialogue
from femtogpt.generation.sampling import Sampling
from femtogpt.generation.writer import Writer


def talk(
    run: Path,
    person: str,
    model: str,
    lines: Iterable[str],
    tokens: int,
    sampling: Sampling,
    seed: int | None,
    weights: str,
    out: TextIO,
) -> None:
    """Answer each of ``lines`` on ``out``, as it is written.

    The seeds are ``seed`` and those after it, or drawn. Raises UserError for a run without a model,
    or one that does not know turns.
    """
    dialogue = Dialogue(Writer.load(run, weights), person, model)
    first = random.randrange(MOST_SEED) if seed is None else seed
    for number, line in enumerate(filter(str.strip, lines)):
        out.write(f"{model}:")
        try:
            for part in dialogue.answer(line, tokens, sampling, first + number):
                out.write(part)
                out.flush()
        finally:  # after Ctrl-C too
            out.write("\n")
            out.flush()
