"""Several processes that train one model: torch's DDP, or FSDP2 for what fits no single device.

torchrun starts the processes and sets their ranks in the environment. Each process computes its
part of every batch; weights, checkpoints and losses are those of a single process.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from femtogpt.config import TrainConfig
from femtogpt.errors import UserError
from femtogpt.model.gpt import GPT
from femtogpt.parallel import cores

if TYPE_CHECKING:
    from torch.distributed.tensor import DTensor
    from typing_extensions import TypeIs


@dataclass(frozen=True)
class Group:
    """The processes of a training: by default this one alone."""

    rank: int = 0
    size: int = 1  # the world size

    @property
    def is_main(self) -> bool:
        """Whether this process writes metrics, checkpoints and weights."""
        return self.rank == 0

    def any(self, *flags: bool) -> list[bool]:
        """For each flag, whether it is true in any process."""
        if self.size == 1:
            return list(flags)
        reduced = self._all_reduce(torch.tensor(flags).int(), dist.ReduceOp.MAX)
        return [bool(flag) for flag in reduced]

    def mean(self, value: Tensor) -> float:
        """The mean of a number over the processes."""
        return float(value if self.size == 1 else self._all_reduce(value.clone()) / self.size)

    def min(self, value: int) -> int:
        """The smallest of the processes' values."""
        if self.size == 1:
            return value
        return int(self._all_reduce(torch.tensor(value), dist.ReduceOp.MIN))

    def broadcast(self, value: Any) -> Any:
        """The main process's value."""
        values = [value]
        if self.size > 1:
            dist.broadcast_object_list(values)
        return values[0]

    def wait(self) -> None:
        """Wait until every process has come to this point."""
        if self.size > 1:
            dist.barrier()

    def _all_reduce(self, value: Tensor, operation: Any = dist.ReduceOp.SUM) -> Tensor:
        value = value.to("cuda" if dist.get_backend() == "nccl" else "cpu")
        dist.all_reduce(value, operation)
        return value


@contextmanager
def process_group(config: TrainConfig) -> Iterator[tuple[Group, str]]:
    """Join the group that torchrun's environment names; gives it and this process's device.

    Raises UserError if the batch or the devices cannot be divided among the processes.
    """
    if "RANK" not in os.environ:
        yield Group(), config.device
        return
    size, local = int(os.environ["WORLD_SIZE"]), int(os.environ.get("LOCAL_RANK", "0"))
    local_size = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if config.batch_size % size:
        raise UserError(
            f"train.batch_size {config.batch_size} must be a multiple of the {size} processes"
        )
    cuda = config.device != "cpu" and torch.cuda.is_available()
    if cuda:
        cards = torch.cuda.device_count()
        if local_size > cards or config.device not in ("auto", "cuda"):
            raise UserError(
                f"{local_size} processes need as many cards, and there are {cards}: lower"
                " train.processes, and set train.device=auto"
            )
        torch.cuda.set_device(local)
    elif config.threads is None:
        torch.set_num_threads(max(1, cores() // local_size))
    dist.init_process_group("nccl" if cuda else "gloo")
    try:
        yield Group(dist.get_rank(), size), f"cuda:{local}" if cuda else config.device
    finally:
        dist.destroy_process_group()


def parallelize(model: GPT, strategy: str) -> nn.Module:
    """Wrap a model so that a backward pass leaves the mean gradient over all processes.

    ``ddp``: each process has the full model. ``fsdp``: each keeps a part of the weights, gradients
    and optimizer states, and gathers one layer at a time.
    """
    if strategy == "ddp":
        # The buffers are constants. torch 2.13 renamed the argument, and warns of the old name.
        known = inspect.signature(DistributedDataParallel).parameters
        sync = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
        options: dict[str, Any] = {sync: False}
        return DistributedDataParallel(model, **options)
    # Imported here and below where it is needed: it takes as long as torch itself.
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    for layer in model.layers:
        fully_shard(layer)
    # Embedding and norm are gathered anew each time too: an EMA may replace the weights between.
    fully_shard(model, reshard_after_forward=True)
    register_fsdp_forward_method(model, "nats")
    return model


def full_tensor(value: Tensor) -> Tensor:
    """The full tensor, also where FSDP keeps only a shard of it here."""
    return value.full_tensor() if _is_sharded(value) else value


def distribute_like(value: Tensor, other: Tensor) -> Tensor:
    """Shard a full tensor, which all processes have, as ``other`` is sharded."""
    if not _is_sharded(other) or _is_sharded(value):
        return value
    from torch.distributed.tensor import distribute_tensor

    value = value.to(other.device)
    return distribute_tensor(value, other.device_mesh, other.placements, src_data_rank=None)


def gather(value: Any, keep: bool) -> Any:
    """Nested dictionaries and lists with their sharded tensors gathered one by one, on the CPU.

    All processes take part. Those that do not ``keep`` the tensors get None in their stead.
    """
    if _is_sharded(value):
        full = value.full_tensor()
        return full.cpu() if keep else None
    if isinstance(value, dict):
        return {key: gather(item, keep) for key, item in value.items()}
    if isinstance(value, list):
        return [gather(item, keep) for item in value]
    return value


def _is_sharded(value: Any) -> TypeIs[DTensor]:
    if not dist.is_initialized():  # nobody to share with
        return False
    from torch.distributed.tensor import DTensor

    return isinstance(value, DTensor)
