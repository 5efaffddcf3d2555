"""The memory of a step: the peaks of the bytes in its tensors.

``expected_peaks`` makes the step with torch's fake tensors, which have shapes but no numbers: it
takes less than a second, and no memory, whatever the model. It agrees with what torch's profiler
sees of a real step to a thousandth.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from femtogpt.config import ModelConfig, TrainConfig
from femtogpt.training.made_up_step import made_up_step


class Peaks(NamedTuple):
    """The most bytes of tensors at once, and those of the optimizer's states among them."""

    gradient: int
    step: int  # the optimizer's
    states: int


def expected_peaks(
    model: ModelConfig, config: TrainConfig, vocab_size: int, sequences: int, dtype: torch.dtype
) -> Peaks:
    """The peaks of a step on the CPU."""
    with FakeTensorMode(), _Storages() as storages:
        _, optimizer, gradient = made_up_step(model, config, vocab_size, sequences, dtype)
        gradient()
        during_gradient, before = storages.most, storages.now
        optimizer.step()  # the first one makes its states
        states = storages.now - before
        storages.most = storages.now
        optimizer.step()
        return Peaks(during_gradient + states, storages.most, states)


def gradient_without_states(
    model: ModelConfig, config: TrainConfig, vocab_size: int, sequences: int, dtype: torch.dtype
) -> int:
    """The peak of the gradient on the CPU, without the optimizer's states."""
    with FakeTensorMode(), _Storages() as storages:
        _, _, gradient = made_up_step(model, config, vocab_size, sequences, dtype)
        gradient()
        return int(storages.most)


class _Storages(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of the storages that exist, and their peak."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now, self.most = 0, 0
        self.counted: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        name, size = storage._cdata, storage.nbytes()
        if name not in self.counted:
            self.counted.add(name)
            self.now += size
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self._forget, name, size)

    def _forget(self, name: int, size: int) -> None:
        self.counted.discard(name)
        self.now -= size


def measured_peaks(
    model_config: ModelConfig,
    config: TrainConfig,
    vocab_size: int,
    sequences: int,
    dtype: torch.dtype,
) -> tuple[int, int]:
    """The same with real tensors, from torch's profiler: slow, and what the others are held to."""
    model, optimizer, gradient = made_up_step(model_config, config, vocab_size, sequences, dtype)
    gradient()
    optimizer.step()  # the first one makes its states
    held = sum(4 * parameter.numel() for parameter in model.parameters())
    held += sum(
        value.numel() * value.element_size()
        for part in optimizer.parts
        for state in part.state.values()
        for value in state.values()
        if isinstance(value, torch.Tensor)
    )
    optimizer.zero_grad()
    most, left = _profiled(gradient)
    return held + most, held + left + _profiled(optimizer.step)[0]


def _profiled(function: Callable[[], None]) -> tuple[int, int]:
    """The peak of bytes that a function allocates, and the bytes that it leaves allocated."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "9")  # or it writes to standard error
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        function()
    now = most = 0
    for event in profiled.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()
            most = max(most, now)
    return most, now
