"""Files as readers meet them go through the corpus stage: nothing is lost in silence.

The kinds take turns; their forms, sizes and places of damage are drawn. Each try is a process of
its own, and has to end well or with one line of error. What can be read is read whole; what is
not is told, by the document's reason or by a line of the log; the letters come out; and memory and
time grow with the input and no faster.
"""

from __future__ import annotations

import logging
import os
import random
import shutil
import time
import traceback
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import yaml

from femtogpt.artifacts.store import Store
from femtogpt.config_file import load_config
from femtogpt.corpus.build import build_corpus
from femtogpt.errors import UserError
from femtogpt.sources.fetch import fetch
from tests.faults import bad_archives, bad_settings, bad_talks, bad_texts
from tests.faults.forked import Forked, forked
from tests.faults.given import Given, Make, texts
from tests.faults.outcomes import Try
from tests.faults.told import Told
from tests.files import as_folder

KINDS: dict[str, Make] = {
    **bad_archives.KINDS,
    **bad_texts.KINDS,
    **bad_talks.KINDS,
    **bad_settings.KINDS,
}
OF_A_KIND = 12  # tries of each, in a whole run
FULL = OF_A_KIND * len(KINDS)
CORPUS = {"near_duplicates": 1, "shared_characters": 10_000, "held_out": 0.05}
# What a corpus of a few texts takes, and what each byte of a larger input may add to it.
MEMORY, MEMORY_PER_BYTE = 150_000_000, 40
SECONDS, SECONDS_PER_BYTE, SECONDS_PER_DOCUMENT = 8.0, 4e-6, 0.002


def tries(seed: int, folder: Path) -> Iterator[Try]:
    for number in count(seed):
        yield one_try(folder / "try", number)


def one_try(folder: Path, seed: int) -> Try:
    """Make an input, make the corpus of it, and look at what came of it.

    It works some folders below the try's own, in one that is empty: what is written by a name with
    ``..``, or by one that is not whole, is seen there.
    """
    draw, began = random.Random(f"inputs {seed}"), time.monotonic()
    row, turn = list(KINDS)[seed % len(KINDS)], seed // len(KINDS)
    home = folder / "around/it/home"
    for new in ("given", "own", "tmp", "work"):
        (home / new).mkdir(parents=True)
    kinds = bad_archives.ONCE if row in bad_archives.ONCE and turn % OF_A_KIND == 0 else KINDS
    given = kinds[row](draw, home / "given")
    config = configured(given, home, draw)
    before = files_in(folder, home)

    def work() -> dict[str, Any]:
        os.chdir(home / "work")
        return corpus_of(config, given, home / "data")

    done = forked(work, home / "tmp")
    failure = wrong(given, done, home) or strayed(given, before, folder, home)
    shutil.rmtree(folder)
    return Try("inputs", row, given.what, seed, time.monotonic() - began, failure)


def configured(given: Given, folder: Path, draw: random.Random) -> Path:
    """The configuration that reads the input, and beside it a few good texts."""
    if given.kind == "configuration":
        return given.path
    as_folder(folder / "own", dict(texts(draw, 3)))
    sources = {
        "own": {"kind": "files", "path": str(folder / "own")},
        "given": {"kind": given.kind, "path": str(given.path)},
    }
    path = folder / "given.yaml"
    path.write_text(yaml.safe_dump({"sources": sources, "corpus": CORPUS}), encoding="utf-8")
    return path


def files_in(folder: Path, home: Path) -> set[str]:
    """The files of a try but for those in its data folder and the temporary one."""
    own = {home / "data", home / "tmp"}
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if own.isdisjoint((path, *path.parents))
    }


def strayed(given: Given, before: set[str], folder: Path, home: Path) -> str | None:
    """What was written where nothing should be, by the name that an archive has for it."""
    if outside := sorted(files_in(folder, home) - before):
        return f"{outside[0]} was written outside the data folder"
    named = (path for path in folder.rglob("*") if path.name in given.nowhere)
    return next((f"{path.relative_to(folder)} was written" for path in named), None)


def corpus_of(path: Path, given: Given, data: Path) -> dict[str, Any]:
    """Make the corpus and tell what came of it, as a JSON value."""
    told = Told()
    logging.basicConfig(level=logging.WARNING, handlers=[told], force=True)
    try:
        with mock.patch("femtogpt.sources.archives.MAX_BYTES", given.largest):
            config = load_config(str(path), [f"paths.data={data}"], conf=path.parent)
            store = Store.of(config)
            raws = {name: fetch(store, name, one) for name, one in config.sources.items()}
            corpus = build_corpus(store, config, raws)
    except UserError as error:
        return {"error": str(error), "messages": told.messages}
    except Exception:
        return {"crash": traceback.format_exc().strip().splitlines()[-4:]}
    # All but the texts of "own".
    kept = [_table(file) for file in corpus.path.glob("documents/source=[!o]*/*/*.parquet")]
    rejected = [_table(file) for file in corpus.path.glob("rejected/*/*.parquet")]
    return {
        "kept": [row for frame in kept for row in frame.select("id", "text").rows()],
        "rejected": [row for frame in rejected for row in frame.select("id", "figure").rows()],
        "letters": {name: one for name, one in corpus.counts.items() if name.startswith("letters")},
        "messages": told.messages,
        "settings": config.model_dump(mode="json"),
    }


def _table(file: Path) -> pl.DataFrame:
    return pl.read_parquet(file, hive_partitioning=False)


def wrong(given: Given, done: Forked, folder: Path) -> str | None:
    """What is wrong with what came of an input, in one line."""
    value = done.value
    if value is None:
        return f"it ended with status {done.status}"
    if "crash" in value:
        return " ".join(" ".join(value["crash"]).split())[-400:]
    if "error" in value:
        return wrong_error(given, value["error"])
    if given.refused:
        return "it was taken for right"
    return (
        changed(given.settings, value["settings"])
        or unread(given, value)
        or silent(given, value)
        or unbalanced(given, value["letters"])
        or greedy(done, folder)
    )


def wrong_error(given: Given, error: str) -> str | None:
    if "\n" in error:
        return f"an error of several lines: {error!r}"
    if not given.may_stop:
        return f"it stopped: {error}"
    if given.kind == "configuration" and not any(name in error for name in given.told or ("",)):
        return f"the error does not name {given.told[0]!r}: {error}"
    return None


def changed(given: Any, read: Any, name: str = "the whole") -> str | None:
    """Which setting was read otherwise than it was given."""
    if isinstance(given, dict):
        inner = (changed(one, read.get(name), name) for name, one in given.items())
        return next(filter(None, inner), None)
    return None if given == read else f"{name} is {given!r}, and read as {read!r}"


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def unread(given: Given, value: dict[str, Any]) -> str | None:
    """What of the readable is not there, or what is there is not as it was."""
    kept = {letters(text): id for id, text in value["kept"]}
    for name, text in given.whole.items():
        if letters(text) not in kept:
            return f"{name} is not read whole; kept: {', '.join(list(kept.values())[:9])}"
    known = {letters(text) for text in (*given.whole.values(), *given.perhaps.values())}
    if given.only and (others := kept.keys() - known):
        return f"{kept[min(others)]} is none of the texts that were given"
    if missing := given.ids - set(kept.values()):
        return f"no document is called {min(missing)!r}"
    return None


def silent(given: Given, value: dict[str, Any]) -> str | None:
    """What is neither read nor told of; of a configuration, that is up to ``wrong_error``."""
    if given.kind == "configuration":
        return None
    kept = [letters(text) for _, text in value["kept"]]
    reasons = [f"{id}: {figure}" for id, figure in value["rejected"] if figure]
    told = "\n".join([*reasons, *value["messages"]])
    untold = [name for name in given.told if name not in told]
    if given.perhaps or given.lines:
        everything = "\n".join(kept)
        lost = [name for name, text in given.perhaps.items() if letters(text) not in kept]
        lost += [line for line in given.lines if letters(line) not in everything]
        if lost and len(untold) == len(given.told):
            return f"of {lost[0]!r} nothing is told; told: {told[:200]!r}"
        return None
    return f"of {untold[0]!r} nothing is told; told: {told[:200]!r}" if untold else None


def unbalanced(given: Given, counts: dict[str, int]) -> str | None:
    if given.replaced not in (None, counts["letters_replaced"]):
        return f"of {given.replaced} broken places {counts['letters_replaced']} are counted"
    had = counts["letters_decoded"] + counts["letters_added"]
    spent = sum(counts[f"letters_{name}"] for name in ("taken", "cut", "kept", "rejected"))
    return None if had == spent else f"the letters do not come out: {counts}"


def greedy(done: Forked, folder: Path) -> str | None:
    """Whether memory or time were more than the size of the input explains."""
    raw = [path for path in (folder / "data/raw").rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in raw)
    unpacked = max(size, sum(len(text.encode()) for _, text in done.value["kept"]))
    if done.memory > MEMORY + MEMORY_PER_BYTE * unpacked:
        return f"{done.memory:,} bytes of memory for an input of {unpacked:,}"
    documents = len(done.value["kept"]) + len(done.value["rejected"])
    if done.seconds > SECONDS + SECONDS_PER_BYTE * unpacked + SECONDS_PER_DOCUMENT * documents:
        return f"{done.seconds:.1f} s for an input of {unpacked:,} bytes, {documents} documents"
    return None
