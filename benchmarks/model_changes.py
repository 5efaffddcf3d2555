"""Modifications of the model that are not settings, to measure what each of its parts contributes.

``compare_settings.py --try change=no_qk_norm`` trains with one. Each function takes the model's class and
returns a class that differs in one respect.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from femtogpt.model.gpt import GPT
from femtogpt.model.loss import softmax_gradient

CHANGES: dict[str, Callable[[type[GPT]], type[GPT]]] = {}


def change(function: Callable[[type[GPT]], type[GPT]]) -> Callable[[type[GPT]], type[GPT]]:
    CHANGES[function.__name__] = function
    return function


@change
def no_qk_norm(base: type[GPT]) -> type[GPT]:
    """No normalization of queries and keys."""

    class Changed(base):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            for layer in self.layers:
                layer.self_attn.q_norm = layer.self_attn.k_norm = nn.Identity()

    return Changed


@change
def gpt2_init(base: type[GPT]) -> type[GPT]:
    """GPT-2's initialization: std 0.02, output matrices smaller by √(2 × layers)."""

    class Changed(base):
        def initialise(self) -> None:
            for name, weight in self.named_parameters():
                if weight.ndim == 2:
                    last = name.endswith(("o_proj.weight", "down_proj.weight"))
                    small = math.sqrt(2 * self.config.layers) if last else 1
                    nn.init.normal_(weight, std=0.02 / small)

    return Changed


@change
def outputs_not_zero(base: type[GPT]) -> type[GPT]:
    """Output matrices initialized like the others, but smaller by √(2 × layers)."""

    class Changed(base):
        def initialise(self) -> None:
            super().initialise()
            for layer in self.layers:
                for module in (layer.self_attn.o_proj, layer.mlp.down_proj):
                    std = (2 * self.config.layers * module.in_features) ** -0.5
                    nn.init.normal_(module.weight, std=std)

    return Changed


@change
def large_hidden(base: type[GPT]) -> type[GPT]:
    """Hidden matrices, except output matrices, initialized with std 1/√fan-in."""

    class Changed(base):
        def initialise(self) -> None:
            super().initialise()
            for layer in self.layers:
                for name, weight in layer.named_parameters():
                    if weight.ndim == 2 and not name.endswith(
                        ("o_proj.weight", "down_proj.weight")
                    ):
                        nn.init.normal_(weight, std=weight.shape[1] ** -0.5)

    return Changed


@change
def embedding_half(base: type[GPT]) -> type[GPT]:
    """An embedding initialized half as large."""

    class Changed(base):
        def initialise(self) -> None:
            super().initialise()
            with torch.no_grad():
                self.embed_tokens.weight.mul_(0.5)

    return Changed


@change
def relu_squared(base: type[GPT]) -> type[GPT]:
    """ReLU² (So et al. 2021) with 4 × width instead of SwiGLU: the same number of weights."""

    class FeedForward(nn.Module):
        def __init__(self, width: int):
            super().__init__()
            self.up_proj = nn.Linear(width, 4 * width, bias=False)
            self.down_proj = nn.Linear(4 * width, width, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            return self.down_proj(F.relu(self.up_proj(x)).square())

    class Changed(base):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            for layer in self.layers:
                layer.mlp = FeedForward(self.config.width)
            self.initialise()

    return Changed


@change
def soft_cap(base: type[GPT]) -> type[GPT]:
    """Logits soft-capped at 15 (Gemma 2)."""
    most = 15.0

    def bent_gradient(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        bent = torch.tanh(logits.float() / most)
        nats, by_bent = softmax_gradient(most * bent, targets)
        return nats, (by_bent * (1 - bent.square())).to(logits.dtype)

    class Changed(base):
        gradient = staticmethod(bent_gradient)

        def nats(self, ids: Tensor, targets: Tensor) -> Tensor:
            logits = F.linear(self.read(ids), self.embed_tokens.weight).float()
            logits = most * torch.tanh(logits / most)
            found = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
            return found.view(ids.shape)

    return Changed


@change
def z_loss(base: type[GPT]) -> type[GPT]:
    """The z-loss with weight 1e-4 (Chowdhery et al. 2022, PaLM)."""
    share = 1e-4

    def drawn_gradient(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        nats, by_logits = softmax_gradient(logits.float(), targets)
        total = logits.float().logsumexp(-1, keepdim=True)
        extra = 2 * share * total * (logits.float() - total).exp()
        return nats, (by_logits + extra).to(logits.dtype)

    class Changed(base):
        gradient = staticmethod(drawn_gradient)

    return Changed
