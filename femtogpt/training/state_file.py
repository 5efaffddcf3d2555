"""A training's state as safetensors: its tensors by number, and as JSON what holds them.

The format has no code in it. The JSON stands in the file's metadata; in it, a tensor is
``{"tensor": NUMBER}`` and a dictionary ``{"items": [[KEY, VALUE], …]}``, whose keys may be numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import safetensors
import torch

STATE_FILE = "state.safetensors"
EARLIER_FILE = "state.pt"  # up to version 0.2: torch.save's, read without unpickling objects
FORM = "form"  # of the metadata
ALIGNMENT = 8  # bytes of the header
DTYPES = {
    torch.float32: "F32",
    torch.float64: "F64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def parts(state: dict[str, Any]) -> Iterator[bytes | memoryview]:
    """Nested dictionaries, lists, tensors on the CPU and plain values as the parts of a file.

    Tuples become lists. The parts are the tensors' own memory, whereas ``safetensors.torch.save``
    (0.8) takes twice as much again.
    """
    tensors: list[torch.Tensor] = []
    header: dict[str, Any] = {"__metadata__": {FORM: json.dumps(_form(state, tensors))}}
    end = 0
    for number, tensor in enumerate(tensors):
        begin, end = end, end + tensor.numel() * tensor.element_size()
        header[str(number)] = {
            "dtype": DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    yield len(text).to_bytes(8, "little")
    yield text
    for tensor in tensors:
        yield tensor.contiguous().view(-1).view(torch.uint8).numpy().data


def _form(value: Any, tensors: list[torch.Tensor]) -> Any:
    """A value without its tensors, which are added to ``tensors``."""
    if isinstance(value, torch.Tensor):
        tensors.append(value)
        return {"tensor": str(len(tensors) - 1)}
    if isinstance(value, dict):
        return {"items": [[key, _form(item, tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [_form(item, tensors) for item in value]
    return value


def load_state(path: Path) -> dict[str, Any]:
    """The state in a file, on the CPU; of earlier versions, too."""
    if path.name == EARLIER_FILE:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        return state
    with safetensors.safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        state = _value(json.loads(file.metadata()[FORM]), tensors)
    return state


def _value(form: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(form, list):
        return [_value(item, tensors) for item in form]
    if isinstance(form, dict):
        if "tensor" in form:
            return tensors[form["tensor"]]
        return {key: _value(item, tensors) for key, item in form["items"]}
    return form
