"""The real nanoGPT, from a folder with a copy of it, trained as its train.py does on a CPU."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from reference_recipe import BETAS, WEIGHT_DECAY, Shape, Training
from torch import Tensor

from femtogpt.tokens.shards import Tokens

NAME = "nanogpt_model"


class NanoGPT(Training):
    """nanoGPT's model and optimizer, uncompiled and in float32: its documented way on a CPU."""

    def __init__(self, folder: Path, tokens: Tokens, shape: Shape, rate: float, *rest: int):
        super().__init__(tokens, shape, rate, *rest)
        module = load(folder)
        config = module.GPTConfig(
            block_size=shape.context,
            vocab_size=shape.vocab,
            n_layer=shape.layers,
            n_head=shape.heads,
            n_embd=shape.width,
            dropout=0.0,
            bias=False,
        )
        self.model: Any = module.GPT(config)  # a torch module, of nanoGPT's class
        self.optimizer = self.model.configure_optimizers(WEIGHT_DECAY, rate, BETAS, "cpu")

    def loss(self, sequences: Tensor) -> Tensor:
        _, loss = self.model(sequences[:, :-1], sequences[:, 1:].contiguous())
        return loss


def load(folder: Path) -> Any:
    """The module ``model.py`` of nanoGPT. Raises SystemExit if the folder has none."""
    spec = importlib.util.spec_from_file_location(NAME, folder / "model.py")
    if not (folder / "model.py").is_file() or spec is None or spec.loader is None:
        raise SystemExit(f"{folder} is no copy of nanoGPT: it has no model.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
