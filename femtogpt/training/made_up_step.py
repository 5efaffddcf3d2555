"""A step of training on made-up tokens, to measure what a step takes."""

from __future__ import annotations

from collections.abc import Callable

import torch

from femtogpt.config import ModelConfig, TrainConfig
from femtogpt.model.gpt import GPT
from femtogpt.model.sampled_loss import first_tokens
from femtogpt.training.initialization import teacher_shape
from femtogpt.training.model_teacher import ModelTeacher
from femtogpt.training.optimizer import Optimizer


def made_up_step(
    model_config: ModelConfig,
    config: TrainConfig,
    vocab_size: int,
    sequences: int,
    dtype: torch.dtype,
    device: str = "cpu",
) -> tuple[GPT, Optimizer, Callable[[], None]]:
    """A new model, its optimizer, and a function that computes a gradient on made-up tokens.

    Where the training has a teacher, a new model of its shape teaches.
    """
    random = torch.get_rng_state()
    with torch.device(device):
        model = GPT(model_config, vocab_size)
    model.recompute = config.activation_checkpointing
    model.eos = 0 if config.document_mask else None
    optimizer = Optimizer(model, config, 0.0, dtype)  # weight decay takes no memory
    shape, softmax = shape_of_teacher(model_config, config), config.softmax_size(vocab_size)
    with torch.device(device):
        model.sampled = None if softmax == vocab_size else first_tokens(softmax, vocab_size)
        teacher = None if shape is None else ModelTeacher(GPT(shape, vocab_size), dtype)
        ids = torch.randint(vocab_size, (sequences, model_config.context))
    torch.set_rng_state(random)

    def gradient() -> None:
        kind = ids.device.type
        soft = None if teacher is None else teacher.targets(ids, config.teacher_share)
        with torch.autocast(kind, dtype=dtype, enabled=dtype != torch.float32):
            loss = model(ids, ids, soft=soft)
        loss.backward()

    return model, optimizer, gradient


def shape_of_teacher(model: ModelConfig, config: TrainConfig) -> ModelConfig | None:
    """The shape of the teacher, if there is one."""
    if config.teacher is not None:
        return teacher_shape(config.teacher)
    return model if config.generations > 1 else None
