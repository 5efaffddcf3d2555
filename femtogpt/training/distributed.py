"""Several processes that train one model: torch's DDP, or FSDP2 for what fits no single device.

torchrun starts the processes, and tells each in its environment which one it is. Each computes
its share of every batch; weights, checkpoints and losses are those of one process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.parallel import DistributedDataParallel

from femtogpt.config import TrainConfig
from femtogpt.errors import UserError
from femtogpt.model.gpt import GPT


@dataclass(frozen=True)
class Group:
    """The processes of a training; one alone by default."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether it is this process that writes."""
        return self.rank == 0

    def any(self, *flags: bool) -> list[bool]:
        """Each flag as true as in any of the processes."""
        if self.size == 1:
            return list(flags)
        return [bool(flag) for flag in self._all(torch.tensor(flags).int(), dist.ReduceOp.MAX)]

    def mean(self, value: Tensor) -> float:
        """The mean of a number over the processes."""
        return float(value if self.size == 1 else self._all(value.clone()) / self.size)

    def least(self, value: int) -> int:
        return value if self.size == 1 else int(self._all(torch.tensor(value), dist.ReduceOp.MIN))

    def told(self, value: Any) -> Any:
        """The value of the process that leads."""
        values = [value]
        if self.size > 1:
            dist.broadcast_object_list(values)
        return values[0]

    def wait(self) -> None:
        """Until all are here."""
        if self.size > 1:
            dist.barrier()

    def _all(self, value: Tensor, operation: Any = dist.ReduceOp.SUM) -> Tensor:
        value = value.to("cuda" if dist.get_backend() == "nccl" else "cpu")
        dist.all_reduce(value, operation)
        return value


@contextmanager
def joined(config: TrainConfig) -> Iterator[tuple[Group, str]]:
    """The group that torchrun's environment names, and this process's device.

    UserError where the batch cannot be shared out.
    """
    if "RANK" not in os.environ:
        yield Group(), config.device
        return
    size, local = int(os.environ["WORLD_SIZE"]), int(os.environ.get("LOCAL_RANK", "0"))
    if config.batch_size % size:
        raise UserError(
            f"train.batch_size {config.batch_size} must be a multiple of the {size} processes"
        )
    cuda = config.device != "cpu" and torch.cuda.is_available()
    if cuda:
        here, cards = int(os.environ.get("LOCAL_WORLD_SIZE", "1")), torch.cuda.device_count()
        if here > cards or config.device not in ("auto", "cuda"):
            raise UserError(
                f"{here} processes need as many cards, and train.device=auto: there are {cards}"
            )
        torch.cuda.set_device(local)
    elif config.threads is None:
        here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) // here))
    dist.init_process_group("nccl" if cuda else "gloo")
    try:
        yield Group(dist.get_rank(), size), f"cuda:{local}" if cuda else config.device
    finally:
        dist.destroy_process_group()


def share(model: GPT, how: str) -> nn.Module:
    """What to call for the loss of this process's windows, so that all get the mean gradient.

    ``ddp``: each process has the whole model. ``fsdp``: each keeps a part of the weights,
    gradients and optimiser's states, and of the rest no more than a layer at a time.
    """
    if how == "ddp":
        return DistributedDataParallel(model, forward_sync_buffers=False)
    for layer in model.layers:
        fully_shard(layer)
    # The rest too is gathered anew each time: an average of the weights may stand in for them.
    fully_shard(model, reshard_after_forward=True)
    register_fsdp_forward_method(model, "nats")
    return model


def whole(value: Tensor) -> Tensor:
    """A tensor, of which FSDP may keep a part here, as a whole."""
    return value.full_tensor() if isinstance(value, DTensor) else value


def spread_like(value: Tensor, other: Tensor) -> Tensor:
    """A whole tensor, which all processes have, in the parts that ``other`` is in."""
    if not isinstance(other, DTensor) or isinstance(value, DTensor):
        return value
    value = value.to(other.device)
    return distribute_tensor(value, other.device_mesh, other.placements, src_data_rank=None)


def gathered(value: Any, keep: bool) -> Any:
    """Nested dictionaries and lists with each tensor that is in parts as a whole, one by one.

    In the processor's memory, and in that process alone that is to ``keep`` them.
    """
    if isinstance(value, DTensor):
        found = value.full_tensor()
        return found.cpu() if keep else None
    if isinstance(value, dict):
        return {key: gathered(item, keep) for key, item in value.items()}
    if isinstance(value, list):
        return [gathered(item, keep) for item in value]
    return value
