"""A trained model as the teacher of another: distillation (Hinton et al. 2015, arXiv 1503.02531).

The targets are (1 − share) × the true token + share × the teacher's distribution, so the loss is
(1 − share) × cross-entropy + share × KL(teacher ‖ student), both at temperature 1, but for a
constant. A teacher of the same shape, trained on the same text, is enough where text is scarce
(born-again networks: Furlanello et al. 2018, arXiv 1805.04770).

Shapes: B sequences, T positions, C the teacher's width, V vocabulary.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from femtogpt.artifacts.disk import file_digest
from femtogpt.errors import UserError
from femtogpt.model.files import SETTINGS_FILE, WEIGHTS_FILE
from femtogpt.model.gpt import GPT
from femtogpt.model.loading import load_model
from femtogpt.model.loss import SoftTargets
from femtogpt.tokens.shards import Tokens
from femtogpt.tokens.tokenizer import TOKENIZER_FILE
from femtogpt.training.compilation import compile_model
from femtogpt.training.precision import Precision
from femtogpt.training.settings import TrainingSettings


class ModelTeacher:
    """A frozen GPT: its hidden states are computed once, its probabilities a few rows at a time.

    With several processes, each has the whole teacher.
    """

    def __init__(self, model: GPT, dtype: torch.dtype):
        """``dtype``: the format of matrix products."""
        self.model = model.eval().requires_grad_(False)
        self.head = model.embed_tokens.weight.to(dtype)  # (V, C)

    @classmethod
    def load(
        cls, settings: TrainingSettings, tokens: Tokens, precision: Precision, compiled: bool
    ) -> ModelTeacher:
        """Load ``train.teacher``. Raises UserError if it cannot teach this training."""
        run = settings.train.teacher
        assert run is not None
        expected = settings.teacher and settings.teacher["weights"]
        if expected and file_digest(run / WEIGHTS_FILE) != expected:
            raise UserError(
                f"train.teacher: {run} has other weights than when this training began:"
                " restore them, or train in another folder"
            )
        model = load_model(run, str(precision.device))
        _check(model, run, settings, tokens)
        about = json.loads((run / SETTINGS_FILE).read_bytes())
        model.eos = tokens.eos if about["train"].get("document_mask") else None
        if compiled:
            compile_model(model)
        return cls(model, precision.dtype)

    @torch.no_grad()
    def targets(self, inputs: Tensor, share: float) -> SoftTargets:
        """The soft targets after each of ``inputs`` (B, T)."""
        dtype = self.head.dtype
        with torch.autocast(inputs.device.type, dtype=dtype, enabled=dtype != torch.float32):
            hidden = self.model.read(inputs).flatten(0, 1).to(dtype)
        return SoftTargets(_Rows(hidden, self.head), torch.tensor(share, device=inputs.device))


@dataclass(frozen=True)
class _Rows:
    hidden: Tensor  # (B × T, C)
    head: Tensor  # (V, C)

    def rows(self, start: int, stop: int) -> Tensor:
        return (self.hidden[start:stop] @ self.head.t()).softmax(-1, dtype=torch.float32)


def _check(model: GPT, run: Path, settings: TrainingSettings, tokens: Tokens) -> None:
    own, theirs = run / TOKENIZER_FILE, tokens.folder / TOKENIZER_FILE
    known = own.is_file() and theirs.is_file()
    if model.vocab_size != tokens.vocab_size or (known and own.read_bytes() != theirs.read_bytes()):
        raise UserError(
            f"train.teacher: {run} was trained with another tokenizer:"
            + (f" set tokenizer.path={own}" if own.is_file() else " choose another teacher")
        )
    if model.config.context < settings.model.context:
        raise UserError(
            f"train.teacher: {run} sees {model.config.context} tokens at once, fewer than"
            f" model.context={settings.model.context}: lower that, or choose another teacher"
        )
