"""The gradient of a batch, in as many parts as memory asks for."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from femtogpt.errors import UserError
from femtogpt.training.precision import Precision

log = logging.getLogger(__name__)


class Gradient:
    """Adds up the gradients of a batch, ``windows`` of its windows at a time.

    Where memory runs out, half as many from then on: the batch and its gradient stay the same.
    ``model`` is a GPT, or one wrapped by DDP.
    """

    def __init__(self, model: nn.Module, precision: Precision, windows: int):
        self.model, self.precision, self.windows = model, precision, windows
        self.shared = torch.distributed.is_initialized()

    def of(self, inputs: Tensor, targets: Tensor, seed: int) -> Tensor:
        """The mean loss of a batch, each (B, T) ids; the parameters are left with its gradient.

        Dropout draws by ``seed``. Raises UserError where not even a single window fits into
        memory.
        """
        while True:
            torch.manual_seed(seed)
            try:
                return self._accumulated(inputs, targets)
            except Exception as error:
                if not is_out_of_memory(error) or self.shared:
                    raise  # the other processes wait for what this one was at
            # Outside of the handler: the traceback holds what is to be freed.
            self.model.zero_grad(set_to_none=True)
            self._halve(len(inputs))

    def _accumulated(self, inputs: Tensor, targets: Tensor) -> Tensor:
        total = torch.zeros((), device=inputs.device)
        parts = zip(inputs.split(self.windows), targets.split(self.windows), strict=True)
        for number, (x, y) in enumerate(parts, 1):
            last = number * self.windows >= len(inputs)
            with self._alone(last):
                with self.precision.autocast():
                    loss = self.model(x, y) * (len(x) / len(inputs))
                self.precision.scaler.scale(loss).backward()
            total += loss.detach()
        return total

    def _alone(self, last: bool) -> AbstractContextManager:
        """DDP averages gradients over the processes at the last part of a batch, not before."""
        wrapped = isinstance(self.model, DistributedDataParallel)
        return self.model.no_sync() if wrapped and not last else nullcontext()

    def _halve(self, batch_size: int) -> None:
        if self.windows == 1:
            raise UserError(
                "out of memory, with a single window at a time: lower model.context or model.width"
            )
        before, self.windows = self.windows, self.windows // 2
        while batch_size % self.windows:  # parts of one size, or compiling would be done twice
            self.windows -= 1
        if self.precision.device.type == "cuda":
            torch.cuda.empty_cache()
        log.warning(
            "out of memory with %d windows at a time: going on with %d, in batches of %d as before",
            *(before, self.windows, batch_size),
        )


def is_out_of_memory(error: Exception) -> bool:
    """Whether an exception says that memory ran out, of the processor or a card."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    words = ("can't allocate memory", "not enough memory", "bad alloc")  # torch's on a processor
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)
