"""Which stretches of a text stand word for word in what its run was trained on."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from femtogpt.artifacts.artifact import fault_of
from femtogpt.errors import UserError
from femtogpt.memorisation.index_lookup import index_of_run
from femtogpt.memorisation.text_index import TextIndex


def marks(run: Path, data: Path, text: str) -> list[dict[str, Any]] | None:
    """Stretches with start, end (in characters), work and place; None where there is no index."""
    try:
        index = _opened(index_of_run(run, data).path)
    except (UserError, OSError, ValueError, KeyError):  # its text is gone, or was never told
        return None
    return [asdict(stretch) for stretch in index.stretches(text)]


@lru_cache(2)
def _opened(folder: Path) -> TextIndex:
    """An index whose files are whole. Raises UserError for another."""
    if fault := fault_of(folder):
        raise UserError(f"{folder}: {fault}")
    return TextIndex.open(folder)
