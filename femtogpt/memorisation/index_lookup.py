"""Finding the index of the text that a model was trained on."""

from __future__ import annotations

from pathlib import Path

from femtogpt.artifacts.artifact import MANIFEST, Artifact
from femtogpt.artifacts.lookup import made_from, made_of
from femtogpt.errors import UserError
from femtogpt.memorisation.index_stage import KIND


def index_of_run(run: Path, data: Path) -> Artifact:
    """The index of a trained model's text. Raises UserError if it is no longer there.

    ``femtogpt.evaluation.around_run`` would leave out what is missing, and not say what it is.
    """
    if not (run / MANIFEST).is_file():
        raise UserError(f"{run} does not say what it was trained on: name the text with --from")
    tokens = made_from(Artifact.load(run), "tokens", data)
    return made_of(made_from(tokens, "corpus", data), KIND, data)
