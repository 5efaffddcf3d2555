"""A trained model ready to write, from a run's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from femtogpt.artifacts.artifact import refuse_damaged
from femtogpt.generation.engine import Engine
from femtogpt.model.loading import load_model
from femtogpt.tokens.tokenizer import Tokenizer


@dataclass(frozen=True)
class Writer:
    """An engine and the tokenizer of its model."""

    engine: Engine
    tokenizer: Tokenizer

    @classmethod
    def load(cls, run: Path, weights: str = "auto") -> Writer:
        """The model in a folder, its matrices in a format (``femtogpt.generation.formats``).

        Raises UserError if there is none, if a file of it is damaged, or if its tokenizer is
        another's.
        """
        refuse_damaged(run)
        model = load_model(run)
        tokenizer = Tokenizer.of_model(run, model.vocab_size)
        return cls(Engine(model, weights), tokenizer)
