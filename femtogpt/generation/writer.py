"""A trained model ready to write, from a run's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from femtogpt.errors import UserError
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

        Raises UserError if there is none, or if its tokenizer is another's.
        """
        model, tokenizer = load_model(run, "auto"), Tokenizer.load(run)
        if tokenizer.size != model.vocab_size:
            raise UserError(
                f"{run}: the model has {model.vocab_size} pieces, the tokenizer beside it"
                f" {tokenizer.size}: put the one that it was trained with there"
            )
        return cls(Engine(model, weights), tokenizer)
