"""Writing a text index, in parts that bound the memory that it takes.

Where a byte is enough for every character, suffixes are sorted by the characters' numbers. With
more characters they are sorted by the bytes that CharacterRanks gives them, which keep the order;
places inside of a character are left out, and the others are counted in characters again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import polars as pl

from femtogpt.corpus.schema import write
from femtogpt.memorisation.character_ranks import (
    DIGITS,
    MARK,
    SEPARATOR,
    UNICODE,
    CharacterRanks,
    code_points,
)
from femtogpt.memorisation.index_layout import ABOUT, SUFFIXES, TEXT, WORKS, Work

PART = 200_000_000  # bytes that are sorted together: 1 GB of memory
STEP = 1 << 20  # characters that are handled at once
SCHEMA = {**dict.fromkeys(Work.__annotations__, pl.String), "start": pl.Int64}
Works = Callable[[], Iterable[tuple[Work, str]]]  # is called twice


def write_index(
    folder: Path,
    works: Works,
    update: Callable[[int], None] = lambda characters: None,
    part: int = PART,
) -> dict[str, Any]:
    """Write the index of works into a folder; its counts. ``update``: is given what is indexed."""
    counts = np.zeros(UNICODE, np.int64)
    for _, work_text in works():
        found = np.bincount(code_points(work_text))
        counts[: len(found)] += found
    characters = CharacterRanks.counted(counts)
    _write_text(folder, works, characters)
    parts = []
    with (folder / TEXT).open("rb") as text, (folder / SUFFIXES).open("wb") as suffixes:
        for start, end, code in _parts(text, characters, part):
            _write_suffixes(suffixes, code, characters)
            parts.append((start, end))
            update(end)
    about = {"characters": characters.characters[1:].tolist(), "parts": parts}
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")
    return {
        "characters": int(counts.sum()),
        "distinct": characters.unknown - 1,
        "parts": len(parts),
        "bytes": sum(file.stat().st_size for file in (folder / TEXT, folder / SUFFIXES)),
    }


def _write_text(folder: Path, works: Works, characters: CharacterRanks) -> None:
    separator = np.array([SEPARATOR], characters.dtype)
    rows, place = [], 1
    with (folder / TEXT).open("wb") as file:
        file.write(separator.data)
        for work, text in works():
            rows.append({**asdict(work), "start": place})
            file.write(characters.ranks(text).astype(characters.dtype).data)
            file.write(separator.data)
            place += len(text) + 1
    write(pl.DataFrame(rows, SCHEMA), folder / WORKS)


def _parts(
    text: BinaryIO, characters: CharacterRanks, size: int
) -> Iterator[tuple[int, int, npt.NDArray[np.uint8]]]:
    """Where each part of the text starts and ends, and its bytes, ``size`` at most."""
    code = np.empty(size, np.uint8)
    step = max(1, min(STEP, size // (1 + DIGITS)))
    start = end = used = 0
    while (ranks := np.fromfile(text, characters.dtype, step)).size:
        piece = characters.sort_bytes(ranks)
        if used + len(piece) > size:
            yield start, end, code[:used]
            start, used = end, 0
        code[used : used + len(piece)] = piece
        used, end = used + len(piece), end + len(ranks)
    yield start, end, code[:used]


def _write_suffixes(
    file: BinaryIO, code: npt.NDArray[np.uint8], characters: CharacterRanks
) -> None:
    """Write the places of a part's suffixes in their order."""
    from pydivsufsort import divsufsort

    marks = np.array([], int) if characters.have_bytes else np.flatnonzero(code == MARK)
    # Digits' bytes are greater than those that begin a character: their suffixes are the last.
    suffixes = divsufsort(code)[: len(code) - DIGITS * len(marks)]
    for first in range(0, len(suffixes), STEP):
        places = suffixes[first : first + STEP]
        if marks.size:
            places = places - DIGITS * np.searchsorted(marks, places)
        file.write(places.astype("<i4").data)
