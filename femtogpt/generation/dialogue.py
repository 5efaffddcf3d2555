"""A dialogue with a model that knows turns: it answers one at a time.

Turns are written as in the text of interviews (``femtogpt.sources.interviews.turns``).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from femtogpt.errors import UserError
from femtogpt.generation.sampling import Sampling
from femtogpt.generation.writer import Writer
from femtogpt.generation.writing import stream
from femtogpt.sources.interviews.turns import SPEAKER, Turn, joined, written

LEAST_CHANCE = 0.01  # of a turn after a line of a dialogue; a model without turns gives millionths


def knows_turns(writer: Writer) -> bool:
    """Whether a model expects another turn after a line of a dialogue."""
    tokenizer, line = writer.tokenizer, written([Turn("Гость", ("Здравствуйте!",))], "names")
    mark = tokenizer.encode(SPEAKER)
    _, logits = writer.engine.begin([[tokenizer.eos, *tokenizer.encode(line + "\n")]])
    return len(mark) == 1 and float(torch.softmax(logits[0], -1)[mark[0]]) >= LEAST_CHANCE


class Dialogue:
    """What a person and the model have said, and who they are."""

    def __init__(self, writer: Writer, person: str, model: str):
        """Raises UserError for a name that a turn cannot begin with, or a model without turns."""
        for name in (person, model):
            if not name.strip() or name != named(name):
                raise UserError(
                    f"{name!r} is no speaker's name: give one line, without a colon or {SPEAKER}"
                )
        if not knows_turns(writer):
            raise UserError(
                "this model was not trained on turns of a dialogue: name one trained on interviews"
                " or chats with --run, or use femtogpt generate"
            )
        self.writer, self.person, self.model = writer, person, model
        self.turns: list[Turn] = []

    def answer(self, said: str, tokens: int, sampling: Sampling, seed: int) -> Iterator[str]:
        """The model's turn after the person's, as it is written."""
        self.turns.append(Turn(self.person, (said,)))
        lines = [*filter(None, [written(joined(self.turns), "names")]), f"{SPEAKER} {self.model}:"]
        engine, tokenizer = self.writer.engine, self.writer.tokenizer
        parts, prompt = [], "\n".join(lines)
        for part in stream(engine, tokenizer, prompt, tokens, sampling, seed, [f"\n{SPEAKER}"]):
            parts.append(part)
            yield part
        self.turns.append(Turn(self.model, tuple("".join(parts).split("\n"))))


def named(name: str) -> str | None:
    """A speaker's name as it stands in the text."""
    return joined([Turn(name, (SPEAKER,))])[0].speaker
