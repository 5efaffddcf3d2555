"""Compiling the model with torch.compile, and going on without it where that fails."""

from __future__ import annotations

import logging

import torch

from femtogpt.model.gpt import GPT
from femtogpt.scaling import is_worth_compiling
from femtogpt.training.distributed import Group
from femtogpt.training.gradient import is_out_of_memory
from femtogpt.training.precision import Precision
from femtogpt.training.settings import ResolvedTrainConfig

LOSSES = ("gradient", "sampled_gradient")
log = logging.getLogger(__name__)


def should_compile(model: GPT, precision: Precision, config: ResolvedTrainConfig) -> bool:
    """Whether to compile: as set, or if the training is long enough for it to save time."""
    if config.compile != "auto":
        return config.compile
    tokens = config.max_steps * config.batch_size * model.config.context
    return precision.device.type != "cpu" or is_worth_compiling(model.parameter_count(), tokens)


def compile_model(model: GPT, sharded: bool = False) -> None:
    """Have the model and its loss compiled when they are first used.

    On a CPU by layer: one is compiled for all, in half of the time, and steps are as fast.
    ``sharded``: by layer too, since FSDP gathers weights between the layers.
    """
    if sharded or model.embed_tokens.weight.device.type == "cpu":
        for layer in model.layers:
            layer.compile(dynamic=False)
    else:
        vars(model)["read"] = torch.compile(model.read, dynamic=False)
    for loss in LOSSES:
        vars(model)[loss] = torch.compile(getattr(model, loss), dynamic=False)


def try_compiled(model: GPT, precision: Precision, sequences: int, group: Group) -> bool:
    """Compile for micro-batches of ``sequences``, on made-up tokens, before training begins.

    If it fails in any process (there is no compiler, say), compiling is undone in all of them and
    False is returned.
    """
    ids = torch.zeros(sequences, model.config.context, dtype=torch.long, device=precision.device)
    failed, sampled = "", model.sampled
    try:
        for model.sampled in [None] if sampled is None else [None, sampled]:
            with precision.autocast():
                loss = model(ids, ids)
            loss.backward()
    except Exception as error:  # of the compiler, or of what it calls: many kinds
        if not is_out_of_memory(error):  # which the training handles itself
            failed = str(error).strip().partition("\n")[0][:200] or type(error).__name__
    model.sampled = sampled
    model.zero_grad(set_to_none=True)
    if not group.any(bool(failed))[0]:
        return True
    log.warning("torch.compile does not work here (%s): training without", failed)
    for name in ("read", *LOSSES):
        vars(model).pop(name, None)  # leaves the class's own
    for layer in model.layers:
        layer._compiled_call_impl = None
    return False
