"""What an export needs of a run: the shape, the weights and the pieces. It needs no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open

from femtogpt.artifacts.artifact import read_manifest
from femtogpt.artifacts.disk import file_digest
from femtogpt.config import ModelConfig
from femtogpt.errors import UserError
from femtogpt.export.pieces import Vocabulary
from femtogpt.model.files import SETTINGS_FILE, WEIGHTS_FILE
from femtogpt.tokens.tokenizer import TOKENIZER_FILE

Weights = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class TrainedModel:
    """A trained model, read from a run's folder."""

    shape: ModelConfig
    vocabulary: Vocabulary
    weights: Weights  # by the names of ``femtogpt.model.gpt``

    @classmethod
    def load(cls, run: Path) -> TrainedModel:
        """Read the model in a run's folder.

        Raises UserError if there is none, or if a file of it is damaged.
        """
        shape = _shape(run)
        _check_files(run)
        vocabulary = Vocabulary.load(run)
        size = len(vocabulary.pieces)
        return cls(shape, vocabulary, _weights(run / WEIGHTS_FILE, shape, size))


def _shape(run: Path) -> ModelConfig:
    try:
        return ModelConfig.model_validate(json.loads((run / SETTINGS_FILE).read_bytes())["model"])
    except OSError as error:
        raise UserError(
            f"{run} holds no trained model ({error.strerror}): name another run"
        ) from error
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise UserError(f"{run / SETTINGS_FILE} is damaged: name another run") from error


def _check_files(run: Path) -> None:
    """Raise UserError if a file is not the one that the run's manifest lists, if it has one."""
    try:
        files = read_manifest(run)["files"]
    except (OSError, ValueError, KeyError):
        return
    for name in (SETTINGS_FILE, WEIGHTS_FILE, TOKENIZER_FILE):
        file = run / name
        if name in files and file.is_file() and file_digest(file) != files[name]["sha256"]:
            raise UserError(
                f"{file} is damaged, it does not match its checksum: train it again, or name"
                " another run"
            )


def _weights(file: Path, shape: ModelConfig, vocab_size: int) -> Weights:
    try:
        with safe_open(file, framework="np") as tensors:
            weights = {name: tensors.get_tensor(name) for name in tensors.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise UserError(
            f"{file.parent} holds no {file.name}: name a run whose training has ended"
        ) from error
    except (OSError, SafetensorError) as error:
        raise UserError(f"{file} is damaged ({error}): name another run") from error
    expected = dict(_tensor_shapes(shape, vocab_size))
    found = {name: weight.shape for name, weight in weights.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise UserError(
                f"{file} does not fit the settings and the tokenizer beside it: {name} is"
                f" {found.get(name, 'missing')}, not {expected.get(name, 'there')}; name another"
                " run"
            )
        if not np.isfinite(weights[name]).all():
            raise UserError(f"{file}: {name} is not finite: the training failed; name another run")
    return {name: weight.astype(np.float32, copy=False) for name, weight in weights.items()}


def _tensor_shapes(shape: ModelConfig, vocab_size: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The tensors of ``femtogpt.model.gpt`` for this shape, with their sizes."""
    width, size = shape.width, shape.head_size
    queries, keys = shape.heads * size, shape.key_value_heads * size
    yield "embed_tokens.weight", (vocab_size, width)
    yield "norm.weight", (width,)
    for layer in range(shape.layers):
        for name, dimensions in {
            "input_layernorm": (width,),
            "self_attn.q_proj": (queries, width),
            "self_attn.k_proj": (keys, width),
            "self_attn.v_proj": (keys, width),
            "self_attn.o_proj": (width, queries),
            "self_attn.q_norm": (size,),
            "self_attn.k_norm": (size,),
            "post_attention_layernorm": (width,),
            "mlp.gate_proj": (shape.hidden, width),
            "mlp.up_proj": (shape.hidden, width),
            "mlp.down_proj": (width, shape.hidden),
        }.items():
            yield f"layers.{layer}.{name}.weight", dimensions
