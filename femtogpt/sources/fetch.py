"""The first stage: a source's bytes, unchanged, with their provenance."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from femtogpt.artifacts.artifact import MANIFEST, Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.store import Store
from femtogpt.errors import UserError
from femtogpt.sources.base import Source

KIND = "raw"
BYTES = "bytes"
log = logging.getLogger(__name__)


def fetch(store: Store, name: str, source: Source) -> Artifact:
    """Make the raw artifact of a source: its bytes in ``bytes/``, provenance in the manifest.

    The artifact's content is only the bytes, so that an archive is the same input to the next
    stage whether it came from the network or the disk. A remote source is fetched in its current
    version.
    """
    source = pinned(store, name, source)
    return store.make(
        recipe(source, name), lambda folder: _fetch(source, folder), source.resumable, f"raw {name}"
    )


def pinned(store: Store, name: str, source: Source) -> Source:
    """Fix the source to its current version or, if that is unknown, to one already fetched.

    A fetched version is used with a warning. If none is complete, the source is returned as it
    is: ``fetch`` tries to get it and reports why that fails.
    """
    try:
        return source.pinned()
    except UserError as error:
        reason = str(error).splitlines()[0]
    for earlier in source.earlier(_identities(store)):
        if artifact := store.find(recipe(earlier, name)):
            origin = artifact.counts["provenance"].get("url") or earlier.identity()
            time = artifact.manifest["made"].replace("T", " ")[:16]
            log.warning("raw %s: %s; used instead: %s, fetched %s UTC", name, reason, origin, time)
            return earlier
    log.debug("raw %s: %s", name, reason)
    return source


def at_hand(store: Store, name: str, source: Source) -> Source:
    """The source, fixed to the newest of its versions that were fetched; nothing is asked."""
    for earlier in source.earlier(_identities(store)):
        if store.path(recipe(earlier, name)).exists():
            return earlier
    return source


def recipe(source: Source, name: str) -> Recipe:
    """What determines a source's bytes; of those that are downloaded, the code does not.

    Raises UserError where they cannot be identified, as when a local file is missing.
    """
    phrase = f"=the content of source {name}"
    names = {"": f"sources.{name}", "sha256": phrase}
    if source.resumable:  # a download is what it is, however it was fetched
        return Recipe(KIND, {}, source.identity(), version=1, names=names)
    code = code_of(__name__, type(source).fetch.__module__)
    return Recipe(KIND, code, source.identity(), names=names)


def _identities(store: Store) -> Iterator[dict]:
    """Yield the identities of what was fetched into this store, complete or not."""
    for path in (store.root / KIND).glob(f"*/{MANIFEST}"):
        with suppress(OSError, ValueError, KeyError):
            yield Artifact.load(path.parent).manifest["config"]


def _fetch(source: Source, folder: Path) -> dict:
    into = folder / BYTES
    if (folder / MANIFEST).exists():  # it was complete and is damaged: start from nothing
        (folder / MANIFEST).unlink()
        shutil.rmtree(into, ignore_errors=True)
    into.mkdir(exist_ok=True)
    provenance = source.fetch(into)
    files = [path for path in into.rglob("*") if path.is_file()]
    return {
        "provenance": provenance,
        "files": len(files),
        "bytes": sum(path.stat().st_size for path in files),
    }
