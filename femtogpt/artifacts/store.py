"""The folder of all artifacts: finding them, and making those that are not up to date.

A stage writes into ``.<digest>.partial`` beside the artifact's folder, which is renamed when
complete.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from femtogpt.artifacts import again, lines
from femtogpt.artifacts.artifact import (
    MANIFEST,
    Artifact,
    Fault,
    Recipe,
    fault_of,
    read_manifest,
    read_recipe,
    write_manifest,
    write_recipe,
)
from femtogpt.artifacts.claims import owner_of
from femtogpt.artifacts.disk import explain_os_errors, sync
from femtogpt.artifacts.estimates import bytes_to_write
from femtogpt.artifacts.file_lock import FileLock, Timeout
from femtogpt.artifacts.reasons import because, code_differences, differences
from femtogpt.artifacts.remote import Remote
from femtogpt.artifacts.room import need_room, size_of
from femtogpt.config import Config

LOCKS = ".locks"
NOT_YET_THERE = "it does not exist yet"
WAS_NOT_YET_THERE = "it did not exist yet"
ASKED_AGAIN = "--again asks for it"
Build = Callable[[Path], Mapping[str, Any]]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class State:
    """Whether an artifact is up to date, and otherwise why it has to be made."""

    artifact: Artifact | None
    reasons: tuple[str, ...] = ()
    fault: Fault | None = None
    partial: Path | None = None  # the unfinished artifact that the stage goes on with


class Store:
    """The folder of all artifacts, and optionally one that several machines share.

    With a configuration, artifacts record that it made them, and the folder which it used last.
    """

    def __init__(self, root: Path | str, remote: str | None = None, config: Config | None = None):
        self.root = Path(root)
        self.remote = None if remote is None else Remote.at(remote)
        self.config = config

    @classmethod
    def of(cls, config: Config) -> Store:
        """The store that a configuration names."""
        return cls(config.paths.data, config.paths.remote, config)

    def path(self, recipe: Recipe) -> Path:
        """Where the artifact is, or will be."""
        return self._folder(self._current(recipe))

    def partial(self, recipe: Recipe) -> Path:
        """Where the artifact is being made."""
        return self._partial_folder(self._current(recipe))

    def _folder(self, recipe: Recipe) -> Path:
        return self.root / recipe.kind / recipe.digest

    def _partial_folder(self, recipe: Recipe) -> Path:
        return self.root / recipe.kind / f".{recipe.digest}.partial"

    def find(self, recipe: Recipe) -> Artifact | None:
        """The artifact; None if it is missing or a file does not match its checksum."""
        path = self.path(recipe)
        return None if not path.exists() or fault_of(path) else Artifact.load(path)

    def state(
        self, recipe: Recipe, name: str = "", resumable: bool = False, past: bool = False
    ) -> State:
        """Whether the artifact is up to date, and otherwise why not, in words.

        It is compared with what this configuration used last for this stage (``name``; default:
        its kind). ``past``: the reasons are in the past tense.
        """
        name = name or recipe.kind
        path, partial = self.path(recipe), self.partial(recipe)
        fault = fault_of(path) if path.exists() else None
        if path.exists() and fault is None:
            return State(Artifact.load(path))
        if resumable and partial.exists():
            return State(None, (f"it {'was' if past else 'is'} not finished",), fault, partial)
        if fault is not None:
            words = f"{fault.file} {fault.past if past else fault.present}"
            return State(None, (words,), fault)
        is_or_was = "was" if past else "is"
        if self._last(name) == f"{recipe.kind}/{path.name}":
            return State(None, (f"it {is_or_was} no longer there",))
        earlier = self.earlier(recipe.kind, name)
        if earlier is None:
            return State(None, (WAS_NOT_YET_THERE if past else NOT_YET_THERE,))
        return State(None, tuple(differences(recipe, earlier)) or ("its recipe changed",))

    def elsewhere(self, recipe: Recipe) -> Artifact | None:
        """The artifact in the shared store, from where ``make`` would take it."""
        remote = self.remote
        return remote.find(recipe.kind, self.path(recipe).name) if remote else None

    def _last(self, name: str) -> str | None:
        """What this configuration used last for a stage, as ``<kind>/<digest>``."""
        if self.config is None:
            return None
        return lines.read_line(self.root, self.config.name).last.get(name)

    def earlier(self, kind: str, name: str) -> Mapping[str, Any] | None:
        """The manifest of what this configuration used last for a stage, if it still exists.

        Without a record, the manifest of the newest that it made, or of the newest without a
        configuration, as version 0.1 wrote them.
        """
        if (last := self._last(name)) is not None:
            with suppress(OSError, ValueError):
                return read_manifest(self.root / last)
        return self._newest(kind, name)

    def stand_in(self, kind: str, name: str) -> Artifact | None:
        """What this configuration used last for a stage if it is complete, up to date or not."""
        earlier = self.earlier(kind, name)
        with suppress(OSError, ValueError, KeyError, TypeError):
            return None if earlier is None else Artifact.load(self.root / kind / earlier["digest"])
        return None

    def _newest(self, kind: str, name: str) -> Mapping[str, Any] | None:
        own = self.config.name if self.config else None
        candidates = []
        for file in (self.root / kind).glob(f"[!.]*/{MANIFEST}"):
            with suppress(OSError, ValueError):
                manifest = read_manifest(file.parent)
                maker = (manifest.get("configuration") or {}).get("name")
                if maker in (own, None) and manifest.get("stage", name) == name:
                    when = (str(manifest.get("made")), file.stat().st_mtime_ns)
                    candidates.append((maker == own, when, manifest))
        return max(candidates, key=lambda candidate: candidate[:2])[2] if candidates else None

    def make(
        self,
        recipe: Recipe,
        build: Build,
        resumable: bool = False,
        name: str = "",
        needed: int | None = None,
    ) -> Artifact:
        """Find the artifact, or have ``build(folder)`` fill it and return its counts.

        It is taken from the shared store if it is complete there, and added to it otherwise. One
        process at a time makes an artifact, of all on the machines that share that store; a second
        one waits and then finds it. After an exception nothing is left, unless the stage is
        ``resumable``: then the partial folder stays and the next ``build`` goes on in it, as it
        does in a damaged artifact. ``name`` is the stage's name in the log; default: the kind.
        ``needed`` are the bytes that it will at least write, where the recipe does not tell. Raises
        UserError if the disk is full, the folder cannot be written, and the like.
        """
        name = name or recipe.kind
        with explain_os_errors(self.root):
            recipe, anew = self._begin_again(recipe)
            if not anew and (artifact := self.find(recipe)):
                log.info("%s: up to date (%s)%s", name, artifact.path, newer_code(recipe, artifact))
                return self._used(artifact, name)
            with self._lock(recipe), ExitStack() as until_shared:
                if not anew and (artifact := self.find(recipe)):
                    return self._used(artifact, name)
                state = self.state(recipe, name, resumable, past=True)
                reasons = (ASKED_AGAIN,) if anew else state.reasons
                start = time.monotonic()
                artifact = None if anew else self._taken(recipe)
                if not anew and artifact is None and self.remote and not self.remote.away:
                    until_shared.enter_context(self._claimed(recipe, name, self.remote))
                    start = time.monotonic()
                    artifact = self._taken(recipe)  # another machine may have made it meanwhile
                how = f"taken from {self.remote.url}" if artifact and self.remote else "made"
                least = bytes_to_write(recipe) if needed is None else needed
                artifact = artifact or self._make(recipe, build, resumable, name, state, least)
                seconds = time.monotonic() - start
                why = because(reasons) if how == "made" else ""
                log.info("%s: %s in %.1f s%s (%s)", name, how, seconds, why, artifact.path)
                return self._used(artifact, name)

    def _current(self, recipe: Recipe) -> Recipe:
        """The newest attempt to make it again of which something is left, or the recipe itself."""
        if recipe.version is None or recipe.attempt:
            return recipe
        for number in range(again.last_attempt(self.root, recipe.kind, recipe.digest), 0, -1):
            attempt = replace(recipe, attempt=number)
            if self._folder(attempt).exists() or self._partial_folder(attempt).exists():
                return attempt
        return recipe

    def was_made_again(self, recipe: Recipe) -> bool:
        """Whether a person once asked for the artifact again, and something of that is left."""
        return self._current(recipe).attempt > 0

    def _begin_again(self, recipe: Recipe) -> tuple[Recipe, bool]:
        """The attempt to go on with, and whether it begins now because a person asks for it.

        An unfinished attempt goes on, so that the same command finishes what it began.
        """
        current = self._current(recipe)
        if not again.is_requested(recipe.kind, recipe.digest):
            return current, False
        again.begin(recipe.kind, recipe.digest)
        if recipe.version is None:
            return recipe, self.path(recipe).exists()
        if current.attempt and not self.path(current).exists():
            return current, False
        number = again.next_attempt(self.root, recipe.kind, recipe.digest)
        return replace(recipe, attempt=number), True

    def _used(self, artifact: Artifact, name: str) -> Artifact:
        """Record that this configuration uses an artifact, and share it."""
        if self.config is not None:
            used = f"{artifact.kind}/{artifact.digest}"
            lines.record(self.root, self.config.name, name, used, self.config.origin.is_plain)
        if self.remote and self.remote.give(artifact.kind, artifact.digest, artifact.path):
            log.info("%s: added to %s", artifact.kind, self.remote.url)
        return artifact

    def _taken(self, recipe: Recipe) -> Artifact | None:
        """The artifact from the shared store, if it is complete there."""
        if self.remote is None:
            return None
        path, into = self.path(recipe), self.partial(recipe).with_suffix(".taken")
        shutil.rmtree(into, ignore_errors=True)  # of a process that was killed: we hold the lock
        try:
            if not self.remote.take(recipe.kind, path.name, into):
                return None
            if fault := fault_of(into):
                log.warning(
                    "%s in %s is damaged (%s): made here", recipe.kind, self.remote.url, fault
                )
                self.remote.forget(recipe.kind, path.name)
                return None
            for file in into.rglob("*"):
                sync(file)
            sync(into)
            for old in (path, self.partial(recipe)):
                shutil.rmtree(old, ignore_errors=True)
            os.rename(into, path)
            sync(path.parent)
            return Artifact.load(path, made=True)
        finally:
            shutil.rmtree(into, ignore_errors=True)

    def _claimed(self, recipe: Recipe, name: str, remote: Remote) -> AbstractContextManager[None]:
        """Wait for a machine that makes the artifact; within this, the others wait for this one."""
        owner = owner_of(self.root / LOCKS)
        return remote.claimed(recipe.kind, self.path(recipe).name, name, owner)

    def _make(
        self, recipe: Recipe, build: Build, resumable: bool, name: str, state: State, needed: int
    ) -> Artifact:
        path, partial = self.path(recipe), self.partial(recipe)
        if state.fault is not None:
            log.warning("%s is damaged (%s): making it again", path, state.fault)
            if resumable and not partial.exists():
                os.rename(path, partial)
            else:
                shutil.rmtree(path)
        if partial.exists() and not resumable:  # of a process that was killed: we hold the lock
            shutil.rmtree(partial)
        if partial.exists() and code_differences(recipe, _begun(partial)):
            log.info("%s: begun with older code, goes on with the newer code", name)
        partial.mkdir(parents=True, exist_ok=True)
        description = {**recipe.description, "stage": name, "configuration": self._origin()}
        start = time.monotonic()
        try:
            need_room(self.root, needed - size_of(partial), name)
            with explain_os_errors(self.root, partial, needed, name):
                write_recipe(partial, description)
                counts = dict(build(partial))
                write_manifest(partial, description, counts, time.monotonic() - start)
        except BaseException:
            if not resumable:
                shutil.rmtree(partial, ignore_errors=True)
            raise
        if path.exists():  # the old one stays until the new one is complete
            shutil.rmtree(path)
            if self.remote:
                self.remote.forget(recipe.kind, path.name)
        os.rename(partial, path)
        sync(path.parent)
        return Artifact.load(path, made=True)

    def _origin(self) -> dict[str, Any] | None:
        """The configuration that an artifact is made for, and what was changed in it."""
        if self.config is None:
            return None
        return {"name": self.config.name, **self.config.origin.as_dict()}

    @contextmanager
    def _lock(self, recipe: Recipe) -> Iterator[None]:
        folder = self.root / LOCKS
        folder.mkdir(parents=True, exist_ok=True)
        digest = self.path(recipe).name
        lock = FileLock(folder / f"{recipe.kind}-{digest}")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            log.info("%s %s: waiting for the process that makes it", recipe.kind, digest)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()


def _begun(partial: Path) -> Mapping[str, Any]:
    """The recipe with which an unfinished artifact was begun; version 0.1 recorded none."""
    with suppress(OSError, ValueError):
        return read_recipe(partial) or read_manifest(partial)
    return {}


def newer_code(recipe: Recipe, artifact: Artifact) -> str:
    """The end of a line about an artifact that was made with older code, and stays."""
    if recipe.version is None or not code_differences(recipe, artifact.manifest):
        return ""
    return "; the code is newer: --again train trains it anew"
