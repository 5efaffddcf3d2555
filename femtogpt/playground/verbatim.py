"""Which stretches of a text stand word for word in what its run was trained on."""

from __future__ import annotations

import importlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from femtogpt.errors import UserError


def marks(run: Path, data: Path, text: str) -> list[dict[str, Any]] | None:
    """Stretches with start, end (in characters), work and place; None where there is no index."""
    try:
        lookup = importlib.import_module("femtogpt.memorisation.index_lookup")
        index = importlib.import_module("femtogpt.memorisation.text_index").TextIndex
        opened = index.open(lookup.index_of_run(run, data).path)
    except (ModuleNotFoundError, UserError):
        return None
    return [asdict(stretch) for stretch in opened.stretches(text)]
