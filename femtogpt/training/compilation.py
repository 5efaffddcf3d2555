"""Compiling the model with torch.compile, where it pays, and going on without where it fails."""

from __future__ import annotations

import logging

import torch

from femtogpt.config import TrainConfig
from femtogpt.model.gpt import GPT
from femtogpt.training.distributed import Group
from femtogpt.training.gradient import is_out_of_memory
from femtogpt.training.precision import Precision

PAYS = 2e13  # floating-point operations of a training on a CPU: about a minute
log = logging.getLogger(__name__)


def pays(model: GPT, precision: Precision, config: TrainConfig) -> bool:
    """Whether to compile: as set, or where the training is long enough."""
    if config.compile != "auto":
        return config.compile
    tokens = config.max_steps * config.batch_size * model.config.context
    return precision.device.type != "cpu" or 6 * model.parameter_count() * tokens >= PAYS


def compile_model(model: GPT, by_layer: bool) -> None:
    """Have the model and its loss compiled at their first use.

    ``by_layer``: for FSDP, whose work before and after each layer is not to be compiled.
    """
    if by_layer:
        for layer in model.layers:
            layer.compile(dynamic=False)
    else:
        model.read = torch.compile(model.read, dynamic=False)
    model.gradient = torch.compile(model.gradient, dynamic=False)


def try_out(model: GPT, precision: Precision, windows: int, group: Group) -> bool:
    """Compile for the training's windows, on made-up tokens; whether that worked, in all processes.

    What fails (no compiler, say) is found before training begins, and undone.
    """
    ids = torch.zeros(windows, model.config.context, dtype=torch.long, device=precision.device)
    failed = ""
    try:
        with precision.autocast():
            loss = model(ids, ids)
        loss.backward()
    except Exception as error:  # of the compiler, or of what it calls: many kinds
        if not is_out_of_memory(error):  # which training has its own answer to
            failed = str(error).strip().partition("\n")[0][:200] or type(error).__name__
    model.zero_grad(set_to_none=True)
    if not group.any(bool(failed))[0]:
        return True
    log.warning("torch.compile does not work here (%s): training without", failed)
    vars(model).pop("read", None)  # the plain ones of the class are left
    vars(model).pop("gradient", None)
    for layer in model.layers:
        layer._compiled_call_impl = None
    return False
