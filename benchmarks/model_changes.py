"""Modifications of the model that are not settings, to measure what each of its parts contributes.

``experiment.py --arm 'name: change=no_qk_norm'`` trains with one. Each is a subclass of the model
that differs in one respect; several can be combined. As a program it trains with some of them:
``python benchmarks/model_changes.py no_qk_norm,z_loss RUN TOKENS``.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from femtogpt.config import ModelConfig
from femtogpt.model.gpt import GPT, Block
from femtogpt.model.loss import softmax_gradient
from femtogpt.training import __main__ as training
from femtogpt.training import trainer

MAX_LOGIT = 15.0
Z_LOSS_WEIGHT = 1e-4
Gradients = tuple[Tensor, Tensor]  # the loss, and the gradient by the logits
Taught = Tensor | None  # the teacher's part, and its share


def blocks(model: GPT) -> Iterator[Block]:
    """Iterate over the model's layers, with their type."""
    for layer in model.layers:
        assert isinstance(layer, Block)
        yield layer


class NoQkNorm(GPT):
    """No normalization of queries and keys."""

    def __init__(self, config: ModelConfig, vocab_size: int):
        super().__init__(config, vocab_size)
        for layer in blocks(self):
            layer.self_attn.add_module("q_norm", nn.Identity())
            layer.self_attn.add_module("k_norm", nn.Identity())


class Gpt2Init(GPT):
    """GPT-2's initialization: std 0.02, output matrices smaller by √(2 × layers)."""

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                is_output = name.endswith(("o_proj.weight", "down_proj.weight"))
                divisor = math.sqrt(2 * self.config.layers) if is_output else 1
                nn.init.normal_(weight, std=0.02 / divisor)


class OutputsNotZero(GPT):
    """Output matrices initialized like the others, but smaller by √(2 × layers)."""

    def initialise(self) -> None:
        super().initialise()
        for layer in blocks(self):
            for module in (layer.self_attn.o_proj, layer.mlp.down_proj):
                std = (2 * self.config.layers * module.in_features) ** -0.5
                nn.init.normal_(module.weight, std=std)


class LargeHidden(GPT):
    """Hidden matrices, except output matrices, initialized with std 1/√fan-in."""

    def initialise(self) -> None:
        super().initialise()
        for layer in blocks(self):
            for name, weight in layer.named_parameters():
                is_output = name.endswith(("o_proj.weight", "down_proj.weight"))
                if weight.ndim == 2 and not is_output:
                    nn.init.normal_(weight, std=weight.shape[1] ** -0.5)


class EmbeddingHalf(GPT):
    """An embedding initialized half as large."""

    def initialise(self) -> None:
        super().initialise()
        with torch.no_grad():
            self.embed_tokens.weight.mul_(0.5)


class ReluSquaredLayer(nn.Module):
    """A feed-forward layer with ReLU² and 4 × width hidden units."""

    def __init__(self, width: int):
        super().__init__()
        self.up_proj = nn.Linear(width, 4 * width, bias=False)
        self.down_proj = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.relu(self.up_proj(x)).square())


class ReluSquared(GPT):
    """ReLU² (So et al. 2021) with 4 × width instead of SwiGLU: the same number of weights."""

    def __init__(self, config: ModelConfig, vocab_size: int):
        super().__init__(config, vocab_size)
        for layer in blocks(self):
            layer.add_module("mlp", ReluSquaredLayer(self.config.width))
        self.initialise()


def _soft_cap_gradient(
    logits: Tensor, targets: Tensor, taught: Taught = None, share: Taught = None
) -> Gradients:
    tanh = torch.tanh(logits.float() / MAX_LOGIT)
    nats, by_capped = softmax_gradient(MAX_LOGIT * tanh, targets, taught, share)
    return nats, (by_capped * (1 - tanh.square())).to(logits.dtype)


class SoftCap(GPT):
    """Logits soft-capped at 15 (Gemma 2)."""

    gradient = staticmethod(_soft_cap_gradient)

    def nats(self, ids: Tensor, targets: Tensor) -> Tensor:
        logits = F.linear(self.read(ids), self.embed_tokens.weight).float()
        logits = MAX_LOGIT * torch.tanh(logits / MAX_LOGIT)
        nats = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        return nats.view(ids.shape)


def _z_loss_gradient(
    logits: Tensor, targets: Tensor, taught: Taught = None, share: Taught = None
) -> Gradients:
    nats, by_logits = softmax_gradient(logits.float(), targets, taught, share)
    log_sum = logits.float().logsumexp(-1, keepdim=True)
    by_z_loss = 2 * Z_LOSS_WEIGHT * log_sum * (logits.float() - log_sum).exp()
    return nats, (by_logits + by_z_loss).to(logits.dtype)


class ZLoss(GPT):
    """The z-loss with weight 1e-4 (Chowdhery et al. 2022, PaLM)."""

    gradient = staticmethod(_z_loss_gradient)


CHANGES: dict[str, type[GPT]] = {
    "no_qk_norm": NoQkNorm,
    "gpt2_init": Gpt2Init,
    "outputs_not_zero": OutputsNotZero,
    "large_hidden": LargeHidden,
    "embedding_half": EmbeddingHalf,
    "relu_squared": ReluSquared,
    "soft_cap": SoftCap,
    "z_loss": ZLoss,
}


def changed_model(changes: Sequence[str]) -> type[GPT]:
    """The model's class with some of the ``CHANGES``, of which the last is applied last."""
    return type("Changed", (*(CHANGES[change] for change in reversed(changes)), GPT), {})


def main() -> int:
    changes = sys.argv.pop(1).split(",")
    # The class that it instantiates.
    trainer.GPT = changed_model(changes)  # type: ignore[attr-defined]
    return training.main()


if __name__ == "__main__":
    sys.exit(main())
