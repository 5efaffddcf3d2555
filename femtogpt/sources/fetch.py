"""The first stage: a source's bytes as they come, kept with their provenance."""

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
    """The raw artifact of a source: its bytes in ``bytes/``, their provenance in the manifest.

    Its content is that of the bytes alone, so that the same archive from the network and from
    the disk are one input to what follows. Of a remote source it is the current version.
    """
    source = pinned(store, name, source)
    return store.make(
        recipe(source, name), lambda folder: _fetch(source, folder), source.resumable, f"raw {name}"
    )


def pinned(store: Store, name: str, source: Source) -> Source:
    """The source, fixed to its current version or, where that cannot be told, to one at hand.

    Only what is whole is at hand; it is used with a warning. Where nothing is, the source is
    given back as it is: ``fetch`` tries to get it, and tells why that fails.
    """
    try:
        return source.pinned()
    except UserError as error:
        why = str(error).splitlines()[0]
    for earlier in source.earlier(_identities(store)):
        if artifact := store.find(recipe(earlier, name)):
            came = artifact.counts["provenance"].get("url") or earlier.identity()
            moment = artifact.manifest["made"].replace("T", " ")[:16]
            log.warning("raw %s: %s; used instead: %s, fetched %s UTC", name, why, came, moment)
            return earlier
    log.debug("raw %s: %s", name, why)
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
    """What was fetched into this store, whole or not."""
    for path in (store.root / KIND).glob(f"*/{MANIFEST}"):
        with suppress(OSError, ValueError, KeyError):
            yield Artifact.load(path.parent).manifest["config"]


def _fetch(source: Source, folder: Path) -> dict:
    into = folder / BYTES
    if (folder / MANIFEST).exists():  # it was whole and is damaged: nothing to go on from
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
