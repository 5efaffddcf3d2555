"""Loading a trained model from a run's folder."""

from __future__ import annotations

import json
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError

from femtogpt.config import ModelConfig
from femtogpt.errors import UserError
from femtogpt.model.files import SETTINGS_FILE, WEIGHTS_FILE
from femtogpt.model.gpt import GPT


def find_device(name: str) -> torch.device:
    """The device that ``train.device`` names. Raises UserError if it is not available."""
    cuda = torch.cuda.is_available()
    if name.startswith("cuda") and not cuda:
        raise UserError("train.device is cuda, but torch finds no GPU: set train.device=auto")
    return torch.device(name if name != "auto" else "cuda" if cuda else "cpu")


def load_model(run: Path, device: str = "auto") -> GPT:
    """Load the trained model in a run's folder, in evaluation mode.

    Raises UserError if there is none, or a damaged one.
    """
    try:
        shape = ModelConfig.model_validate(json.loads((run / SETTINGS_FILE).read_bytes())["model"])
        weights = safetensors.torch.load_file(run / WEIGHTS_FILE)
        model = GPT(shape, len(weights["embed_tokens.weight"]))
        model.load_state_dict(weights)
    except OSError as error:
        reason = error.strerror or "its weights are missing"  # safetensors gives no reason
        raise UserError(f"{run} holds no trained model: {reason}") from error
    except (ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise UserError(
            f"{run} holds a damaged model ({type(error).__name__}): name another, or train it again"
        ) from error
    return model.to(find_device(device)).eval()
