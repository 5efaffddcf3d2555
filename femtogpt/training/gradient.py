"""The gradient of a batch, accumulated over micro-batches."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from femtogpt.errors import UserError
from femtogpt.model.loss import SoftTargets
from femtogpt.training.precision import Precision

Result = TypeVar("Result")
Noise = Callable[[Tensor], Tensor]
Teach = Callable[[Tensor, Tensor], SoftTargets | None]
log = logging.getLogger(__name__)


class Gradient:
    """Accumulates the gradient of a batch over micro-batches of ``sequences`` sequences.

    When memory runs out, micro-batches are halved from then on; the batch and its gradient stay
    the same. ``model`` is a GPT, or one wrapped by DDP; it reads inputs as ``noise`` leaves them.
    """

    def __init__(
        self,
        model: nn.Module,
        precision: Precision,
        sequences: int,
        noise: Noise = lambda inputs: inputs,
    ):
        self.model, self.precision, self.sequences = model, precision, sequences
        self.noise = noise
        self.is_distributed = torch.distributed.is_initialized()

    def compute(
        self,
        inputs: Tensor,
        targets: Tensor,
        seed: int,
        teach: Teach = lambda inputs, targets: None,
    ) -> Tensor:
        """Leave the gradient of a batch, (B, T) ids each, in the parameters; gives the mean loss.

        ``seed`` determines dropout and noise; ``teach`` gives the soft targets of a micro-batch.
        Raises UserError if a single sequence does not fit in memory.
        """

        def accumulated() -> Tensor:
            self._seed(seed)
            return self._accumulated(inputs, targets, teach)

        return self.fitted(accumulated, len(inputs))

    def fitted(self, compute: Callable[[], Result], batch_size: int) -> Result:
        """What ``compute`` gives; it is called again with smaller micro-batches if memory runs out.

        Raises UserError if a single sequence does not fit in memory.
        """
        while True:
            try:
                return compute()
            except Exception as error:
                if not is_out_of_memory(error) or self.is_distributed:
                    raise  # the other processes wait for this one where it failed
            # Outside the handler: the traceback refers to the tensors that must be freed.
            self.model.zero_grad(set_to_none=True)
            self._halve(batch_size)

    def _seed(self, seed: int) -> None:
        """Seed what dropout draws from: torch's own way takes a millisecond for unused devices."""
        if self.precision.device.type == "cpu":
            torch.default_generator.manual_seed(seed)
        else:
            torch.manual_seed(seed)

    def _accumulated(self, inputs: Tensor, targets: Tensor, teach: Teach) -> Tensor:
        total = torch.zeros((), device=inputs.device)
        whole = (inputs, self.noise(inputs), targets)
        parts = zip(*(torch.split(ids, self.sequences) for ids in whole), strict=True)
        for number, (x, read, y) in enumerate(parts, 1):
            soft = teach(x, y)
            last = number * self.sequences >= len(inputs)
            with self._synchronized(last):
                with self.precision.autocast():
                    loss = self.model(read, y, soft=soft) * (len(x) / len(inputs))
                self.precision.scaler.scale(loss).backward()
            total += loss.detach()
        return total

    def _synchronized(self, last: bool) -> AbstractContextManager[None]:
        """DDP averages gradients over the processes at the last micro-batch of a batch only."""
        if isinstance(self.model, DistributedDataParallel) and not last:
            return cast(AbstractContextManager[None], self.model.no_sync())
        return nullcontext()

    def _halve(self, batch_size: int) -> None:
        if self.sequences == 1:
            raise UserError(
                "out of memory, with a single sequence at a time: lower model.context or"
                " model.width"
            )
        before, self.sequences = self.sequences, self.sequences // 2
        while batch_size % self.sequences:  # one size only: each would be compiled
            self.sequences -= 1
        if self.precision.device.type == "cuda":
            torch.cuda.empty_cache()
        log.warning(
            "out of memory with %d sequences at a time: going on with %d, in batches of %d as"
            " before",
            *(before, self.sequences, batch_size),
        )


def is_out_of_memory(error: Exception) -> bool:
    """Whether an exception says that memory ran out, on the CPU or a GPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    words = ("can't allocate memory", "not enough memory", "bad alloc")  # torch's on a CPU
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)
