"""A model as a folder that transformers loads with its own classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from femtogpt.config import ModelConfig, SamplesConfig
from femtogpt.errors import UserError
from femtogpt.export.pieces import END, UNKNOWN
from femtogpt.export.tokenizer_json import tokenizer_json
from femtogpt.export.trained_model import TrainedModel
from femtogpt.model.gpt import EPS

TYPES = {"f32": np.float32, "f16": np.float16}


def write_hf(run: Path, folder: Path, type: str = "f32") -> None:
    """Write the model in a run's folder for transformers, into a folder that exists.

    Raises UserError if there is no model in the run's folder.
    """
    write_hf_model(TrainedModel.load(run), folder, type, SamplesConfig())


def write_hf_model(model: TrainedModel, folder: Path, type: str, samples: SamplesConfig) -> None:
    """Write a model for transformers into a folder that exists; ``type`` is one of TYPES.

    ``samples`` say how it writes unless a person says otherwise. Raises UserError if the model does
    not fit into this type.
    """
    _write_json(folder / "config.json", _config(model, type))
    _write_json(folder / "generation_config.json", _generation(model, samples))
    _write_json(folder / "tokenizer.json", tokenizer_json(model.vocabulary))
    _write_json(folder / "tokenizer_config.json", _tokenizer_config(model.shape.context))
    weights = {f"model.{name}": _cast(weight, type) for name, weight in model.weights.items()}
    # transformers refuses a file that does not say for which library it is. It is written here, as
    # save_file leaves it readable for its owner alone.
    (folder / "model.safetensors").write_bytes(safetensors.numpy.save(weights, {"format": "pt"}))


def _config(model: TrainedModel, type: str) -> dict[str, Any]:
    """The shape as transformers reads it; most of Qwen3's defaults are those of large models."""
    shape: ModelConfig = model.shape
    return {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "vocab_size": len(model.vocabulary.pieces),
        "hidden_size": shape.width,
        "intermediate_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.key_value_heads,
        "head_dim": shape.head_size,
        "hidden_act": "silu",
        "max_position_embeddings": shape.context,
        "rms_norm_eps": EPS,
        "rope_theta": shape.rope_theta,  # for transformers 4; the next line is for 5
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.rope_theta},
        "tie_word_embeddings": True,
        "attention_bias": False,
        "attention_dropout": 0.0,
        # A text that grows beyond the context is read on as our engine does, not garbled.
        "use_sliding_window": True,
        "sliding_window": shape.context,
        "max_window_layers": 0,
        "initializer_range": 0.02,
        "use_cache": True,
        "bos_token_id": model.vocabulary.end,
        "eos_token_id": model.vocabulary.end,
        "dtype": np.dtype(TYPES[type]).name,
    }


def _generation(model: TrainedModel, samples: SamplesConfig) -> dict[str, Any]:
    """How texts are written unless a person says otherwise."""
    end = model.vocabulary.end
    drawn = {
        "do_sample": True,
        "temperature": samples.temperature,
        "top_k": samples.top_k or 0,  # 0: among all; left out, it would be 50
        "top_p": samples.top_p,
    }
    return {
        "bos_token_id": end,
        "eos_token_id": end,
        "pad_token_id": end,
        "max_new_tokens": samples.tokens,
        **(drawn if samples.temperature else {"do_sample": False}),
    }


def _tokenizer_config(context: int) -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",  # without it, another class is guessed
        "bos_token": END,
        "eos_token": END,
        "pad_token": END,
        "unk_token": UNKNOWN,
        "model_max_length": context,
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
    }


def _cast(weight: np.ndarray, type: str) -> np.ndarray:
    """The weights in this type. Raises UserError if they are beyond its numbers."""
    with np.errstate(over="ignore"):
        cast = weight.astype(TYPES[type], copy=False)
    if not np.isfinite(cast).all():
        raise UserError(f"the model has weights that {type} cannot hold: use --type f32")
    return cast


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
