"""The models in memory: those that were used last."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from femtogpt.errors import UserError
from femtogpt.model.files import WEIGHTS_FILE
from femtogpt.playground.refused import Refused

if TYPE_CHECKING:
    from femtogpt.generation.writer import Writer
    from femtogpt.model.gpt import GPT

MOST = 2  # what a comparison needs


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to write."""

    run: Path
    writer: Writer

    @cached_property
    def model(self) -> GPT:
        """The same in float32, to be asked about a whole text."""
        from femtogpt.model.loading import load_model

        return load_model(self.run, "auto")


class LoadedModels:
    """Loads the models of runs' folders and keeps ``MOST`` of them. Not for several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Path, int], LoadedModel] = OrderedDict()

    def take(self, run: Path) -> LoadedModel:
        """The model in a folder. Raises Refused if there is none, or if a file is damaged."""
        try:
            key = run, (run / WEIGHTS_FILE).stat().st_mtime_ns
        except OSError as error:
            raise Refused("gone", f"{run} holds no trained model") from error
        if key not in self._kept:
            self._kept[key] = _loaded(run)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def _loaded(run: Path) -> LoadedModel:
    # Imported here: torch takes seconds, and the page is there at once.
    from femtogpt.generation.writer import Writer

    try:
        return LoadedModel(run, Writer.load(run))
    except UserError as error:
        raise Refused("damaged", str(error)) from error
