"""A trained model ready to write, from a run's folder."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from femtogpt.artifacts.artifact import MANIFEST, refuse_damaged
from femtogpt.generation.engine import Engine
from femtogpt.model.loading import load_model
from femtogpt.tokens.tokenizer import Tokenizer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Writer:
    """An engine and the tokenizer of its model."""

    engine: Engine
    tokenizer: Tokenizer

    @classmethod
    def load(cls, run: Path, weights: str = "auto") -> Writer:
        """The model in a folder, its matrices in a format (``femtogpt.generation.formats``).

        Raises UserError if there is none, if a file of it is damaged, or if its tokenizer is
        another's. Warns where no manifest tells what its files should be.
        """
        refuse_damaged(run)
        model = load_model(run)
        tokenizer = Tokenizer.of_model(run, model.vocab_size)
        if not (run / MANIFEST).exists():
            log.warning("%s has no %s: whether it is damaged cannot be checked", run, MANIFEST)
        return cls(Engine(model, weights), tokenizer)
