"""An input as a try gives it to the corpus stage, and what has to become of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from femtogpt.sources.archives import MAX_BYTES
from tests.files import as_folder
from tests.helpers import story

BESIDE = 2  # good files in the folder of a bad one
FORMS = ("alone", "in a folder")


@dataclass
class Given:
    """Files, or a configuration, and what has to be told or read of them."""

    what: str  # it is
    path: Path  # of the source
    kind: str = "files"  # of the source
    whole: dict[str, str] = field(default_factory=dict)  # texts that have to be read, by a name
    perhaps: dict[str, str] = field(default_factory=dict)  # read whole, or told by one of ``told``
    told: tuple[str, ...] = ()  # of each, something: the name in a document's id or in a message
    lines: tuple[str, ...] = ()  # each is somewhere in what is read, or one of ``told`` is told
    replaced: int | None = None  # places that the balance has to count as replaced
    ids: frozenset[str] = frozenset()  # of documents that are read
    nowhere: frozenset[str] = frozenset()  # names that no file gets, in whatever folder
    only: bool = False  # nothing is read but these texts, no half of one either
    may_stop: bool = False  # with an error, in one line
    refused: bool = False  # it has to stop with one
    settings: dict[str, Any] = field(default_factory=dict)  # that are read if it does not stop
    largest: int = MAX_BYTES  # bytes of a file that is read


Make = Callable[[random.Random, Path], Given]


def texts(draw: random.Random, count: int, words: int = 120) -> dict[str, str]:
    """So many stories, none of them twice, by a file's name."""
    seeds = draw.sample(range(10**6), count)
    return {f"Рассказ {number}.txt": story(seed, words) for number, seed in enumerate(seeds)}


def beside(draw: random.Random, folder: Path) -> dict[str, str]:
    """Put some good files into a folder."""
    files = {f"Рядом {name}": text for name, text in texts(draw, BESIDE).items()}
    as_folder(folder, dict(files))
    return files
