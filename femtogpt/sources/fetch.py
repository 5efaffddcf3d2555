"""The first stage: a source's bytes as they come, kept with their provenance."""

from __future__ import annotations

from pathlib import Path

from femtogpt.artifact import Artifact, Recipe, Store
from femtogpt.sources.base import Source

VERSION = 1
BYTES = "bytes"


def fetch(store: Store, name: str, source: Source) -> Artifact:
    """The raw artifact of a source: its bytes in ``bytes/``, their provenance in the manifest.

    Its content is that of the bytes alone, so that the same archive from the network and from
    the disk are one input to what follows.
    """
    recipe = Recipe("raw", VERSION, source.identity())
    return store.make(recipe, lambda folder: _fetch(source, folder), name=f"raw {name}")


def _fetch(source: Source, folder: Path) -> dict:
    into = folder / BYTES
    into.mkdir()
    provenance = source.fetch(into)
    files = [path for path in into.rglob("*") if path.is_file()]
    return {
        "provenance": provenance,
        "files": len(files),
        "bytes": sum(path.stat().st_size for path in files),
    }
