"""Compiling the model with torch.compile, where it pays, and going on without where it fails."""

from __future__ import annotations

import logging

import torch

from femtogpt.model.gpt import GPT
from femtogpt.model.head import softmax_gradient
from femtogpt.training.precision import Precision

PAYS = 2e13  # floating-point operations of a training on a CPU: about a minute
log = logging.getLogger(__name__)


def pays(model: GPT, precision: Precision, tokens: int) -> bool:
    """Whether a training on so many tokens is long enough for compiling."""
    return precision.device.type != "cpu" or 6 * model.parameter_count() * tokens >= PAYS


def compile_model(model: GPT, precision: Precision, windows: int) -> bool:
    """Compile the model and its loss for batches of ``windows``; whether that worked.

    A first pass over made-up tokens finds what fails (no compiler, say) before training begins.
    """
    model.read = torch.compile(model.read, dynamic=False)
    model.gradient = torch.compile(softmax_gradient, dynamic=False)
    shape = (windows, model.config.context)
    ids = torch.zeros(shape, dtype=torch.long, device=precision.device)
    random = torch.get_rng_state()
    try:
        with precision.autocast():
            model(ids, ids).backward()
    except Exception as error:  # of the compiler, or of what it calls: many kinds
        line = str(error).strip().partition("\n")[0][:200]
        log.warning("torch.compile does not work here (%s): training without", line)
        del model.read, model.gradient  # the plain ones of the class are left
        return False
    finally:
        torch.set_rng_state(random)
        model.zero_grad(set_to_none=True)
    return True
