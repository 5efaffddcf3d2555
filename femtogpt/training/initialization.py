"""The weights of others that a training starts from, or that teach it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from femtogpt.artifacts.artifact import refuse_damaged
from femtogpt.artifacts.disk import file_digest
from femtogpt.config import ModelConfig
from femtogpt.errors import Damaged, UserError
from femtogpt.model.files import CHECKPOINT_FILE, SETTINGS_FILE, WEIGHTS_FILE
from femtogpt.tokens.tokenizer import TOKENIZER_FILE

if TYPE_CHECKING:
    import torch


def weights_file(origin: Path) -> Path:
    """The weights file in a run's or checkpoint's folder, or ``origin`` itself.

    Raises UserError if there is none, or if the run or the checkpoint is damaged.
    """
    file = origin / WEIGHTS_FILE if origin.is_dir() else origin
    if not file.is_file():
        raise UserError(
            f"train.init_from: there are no weights in {origin}: give the folder of a run or of a"
            " checkpoint, or a .safetensors file"
        )
    _refuse_damaged(file)
    return file


def _refuse_damaged(weights: Path) -> None:
    """Raise Damaged if the weights, or the run that they are of, are not as they were written."""
    refuse_damaged(weights.parent)
    index = weights.parent / CHECKPOINT_FILE
    with suppress(FileNotFoundError):
        try:
            whole = json.loads(index.read_bytes())["files"][weights.name] == file_digest(weights)
        except (ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            raise Damaged(f"the checkpoint {weights.parent} is damaged: name another one")


def lineage(origin: Path) -> list[dict[str, str]]:
    """Path and checksum of weights, then of the weights that their own training started from."""
    file = weights_file(origin)
    own = {"path": str(origin), "weights": file_digest(file)}
    settings = file.parent / SETTINGS_FILE
    before = json.loads(settings.read_text("utf-8")).get("lineage", []) if settings.exists() else []
    return [own, *before]


def teacher_origin(run: Path) -> dict[str, str]:
    """Path and checksum of a teacher's weights.

    Raises UserError if there are none, or if its run is damaged.
    """
    if not all((run / name).is_file() for name in (WEIGHTS_FILE, SETTINGS_FILE)):
        raise UserError(
            f"train.teacher: there is no trained model in {run}: give the folder of a run"
        )
    refuse_damaged(run)
    return {"path": str(run), "weights": file_digest(run / WEIGHTS_FILE)}


def teacher_shape(run: Path) -> ModelConfig:
    """The shape of the model that a run's folder holds. Raises UserError if there is none."""
    teacher_origin(run)
    return ModelConfig.model_validate(json.loads((run / SETTINGS_FILE).read_bytes())["model"])


def check_tokenizer(run: Path, tokens: Path) -> None:
    """Raise UserError if the tokens were made with another tokenizer than the run's."""
    own, theirs = run / TOKENIZER_FILE, tokens / TOKENIZER_FILE
    if own.is_file() and theirs.is_file() and own.read_bytes() != theirs.read_bytes():
        raise UserError(
            f"{tokens} was made with another tokenizer than the training in {run}:"
            " give its own tokens, or train in another folder"
        )


def load_weights(
    origin: Path, shapes: dict[str, torch.Size], tokenizer: Path
) -> dict[str, torch.Tensor]:
    """Load the weights to start from, by name.

    Raises UserError if their model has another shape or was trained with another tokenizer.
    """
    import safetensors.torch  # here: it imports torch, which takes two seconds
    from safetensors import SafetensorError

    file = weights_file(origin)
    candidates = (folder / TOKENIZER_FILE for folder in file.parents[:3])
    beside = next((candidate for candidate in candidates if candidate.is_file()), None)
    if beside and tokenizer.is_file() and beside.read_bytes() != tokenizer.read_bytes():
        raise UserError(
            f"train.init_from: {origin} was trained with another tokenizer:"
            f" set tokenizer.path={beside}"
        )
    try:
        weights = safetensors.torch.load_file(file)
    except (SafetensorError, OSError) as error:
        raise UserError(f"train.init_from: {file} cannot be read ({error})") from error
    loaded = {name: weight.shape for name, weight in weights.items()}
    if loaded != shapes:
        odd = next(name for name in {**shapes, **loaded} if shapes.get(name) != loaded.get(name))
        raise UserError(
            f"train.init_from: {file} is of a model of another shape ({odd} is"
            f" {_describe(loaded.get(odd))}, not {_describe(shapes.get(odd))}): give its settings"
            " in model"
        )
    return weights


def _describe(shape: torch.Size | None) -> str:
    return "missing" if shape is None else " × ".join(map(str, shape))
