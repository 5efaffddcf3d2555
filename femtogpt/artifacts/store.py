"""Artifacts: folders that are complete if they exist, and that say what they were made from.

An artifact lies at ``<root>/<kind>/<digest>/`` and holds a ``manifest.json``. The digest names
what went in: the stage's settings, its code version and the contents of its inputs. A stage
writes into ``.<digest>.partial`` beside it, which is renamed when whole.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from femtogpt.artifacts.remote import MANIFEST, Remote
from femtogpt.errors import UserError

log = logging.getLogger(__name__)


def json_digest(value: Any) -> str:
    """SHA-256 (hexadecimal) of a JSON value, independent of the order of keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 (hexadecimal) of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Artifact:
    """A whole artifact on disk.

    ``content`` is the digest of its files: two artifacts with the same files have the same
    content, however they were made, and what depends on one is up to date for the other.
    """

    path: Path
    kind: str
    digest: str
    content: str
    counts: Mapping[str, Any]
    made: bool = field(default=False, compare=False)  # in this run, or found up to date

    @classmethod
    def load(cls, path: Path, made: bool = False) -> Artifact:
        """Read the manifest in ``path``; OSError or ValueError where there is no right one."""
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        try:
            kind, digest, content = (manifest[key] for key in ("kind", "digest", "content"))
            return cls(path, kind, digest, content, manifest["counts"], made)
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path / MANIFEST} is not a manifest") from error

    @property
    def manifest(self) -> dict:
        """All that the manifest says."""
        return json.loads((self.path / MANIFEST).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Recipe:
    """What determines an artifact: the settings, the stage's code version and the inputs."""

    kind: str
    version: int  # of the stage's code: raised by hand when the same inputs give other files
    config: Mapping[str, Any]
    inputs: Mapping[str, Artifact] = field(default_factory=dict)

    @property
    def ingredients(self) -> dict:
        contents = {name: artifact.content for name, artifact in self.inputs.items()}
        return {
            "kind": self.kind,
            "version": self.version,
            "config": dict(self.config),
            "inputs": contents,
        }

    @property
    def digest(self) -> str:
        return json_digest(self.ingredients)[:16]


class Store:
    """The folder of all artifacts, beside which there may be one that machines share."""

    def __init__(self, root: Path | str, remote: str | None = None):
        self.root = Path(root)
        self.remote = None if remote is None else Remote.at(remote)

    def path(self, recipe: Recipe) -> Path:
        """Where the artifact lies, or will lie."""
        return self.root / recipe.kind / recipe.digest

    def partial(self, recipe: Recipe) -> Path:
        """Where the artifact is being made."""
        return self.root / recipe.kind / f".{recipe.digest}.partial"

    def find(self, recipe: Recipe) -> Artifact | None:
        """The artifact if it is there and every file has its checksum; a damaged one is None."""
        path = self.path(recipe)
        return None if not path.exists() or _fault(path) else Artifact.load(path)

    def make(
        self,
        recipe: Recipe,
        build: Callable[[Path], Mapping[str, Any]],
        resumable: bool = False,
        name: str = "",
    ) -> Artifact:
        """Find the artifact, or have ``build(folder)`` fill it and return its counts.

        It is taken from the shared store where it is whole there, and added to it otherwise. One
        process at a time makes an artifact; a second one waits and then finds it. After an
        exception nothing is left, unless the stage is ``resumable``: then the partial folder
        stays, and the next ``build`` is given it as it is, and so is a damaged artifact. ``name``
        stands in the log instead of the kind. A full disk, a folder that cannot be written and
        the like are UserErrors.
        """
        with explain_os_errors(self.root):
            if artifact := self.find(recipe):
                log.info("%s: up to date (%s)", name or recipe.kind, artifact.path)
                self._share(artifact)
                return artifact
            with self._lock(recipe):
                if artifact := self.find(recipe):
                    return artifact
                start = time.monotonic()
                artifact = self._taken(recipe)
                how = f"taken from {self.remote.url}" if artifact else "made"
                artifact = artifact or self._make(recipe, build, resumable)
            seconds = time.monotonic() - start
            log.info("%s: %s in %.1f s (%s)", name or recipe.kind, how, seconds, artifact.path)
            self._share(artifact)
            return artifact

    def _share(self, artifact: Artifact) -> None:
        """Add an artifact to the shared store, unless it is there."""
        if self.remote and self.remote.give(artifact.kind, artifact.digest, artifact.path):
            log.info("%s: added to %s", artifact.kind, self.remote.url)

    def _taken(self, recipe: Recipe) -> Artifact | None:
        """The artifact from the shared store, if that has it whole."""
        if self.remote is None:
            return None
        path, into = self.path(recipe), self.partial(recipe).with_suffix(".taken")
        shutil.rmtree(into, ignore_errors=True)  # of a process that was killed: we hold the lock
        try:
            if not self.remote.take(recipe.kind, recipe.digest, into):
                return None
            if fault := _fault(into):
                log.warning(
                    "%s in %s is damaged (%s): made here", recipe.kind, self.remote.url, fault
                )
                self.remote.forget(recipe.kind, recipe.digest)
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

    def _make(self, recipe: Recipe, build, resumable: bool) -> Artifact:
        path, partial = self.path(recipe), self.partial(recipe)
        if path.exists():
            log.warning("%s is damaged (%s): made again", path, _fault(path))
            if resumable and not partial.exists():
                os.rename(path, partial)
            else:
                shutil.rmtree(path)
        if partial.exists() and not resumable:  # of a process that was killed: we hold the lock
            shutil.rmtree(partial)
        partial.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        try:
            counts = dict(build(partial))
            _write_manifest(partial, recipe, counts, time.monotonic() - start)
        except BaseException:
            if not resumable:
                shutil.rmtree(partial, ignore_errors=True)
            raise
        os.rename(partial, path)
        sync(path.parent)
        return Artifact.load(path, made=True)

    @contextmanager
    def _lock(self, recipe: Recipe) -> Iterator[None]:
        folder = self.root / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{recipe.kind}-{recipe.digest}")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            log.info("%s %s: waiting for the process that makes it", recipe.kind, recipe.digest)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()


def _fault(path: Path) -> str | None:
    """What is wrong with the files of an artifact, or None."""
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        if manifest.pop("self") != json_digest(manifest):
            return f"{MANIFEST} does not match its checksum"
        for name, expected in manifest["files"].items():
            file = path / name
            if not file.is_file():
                return f"{name} is missing"
            if file.stat().st_size != expected["size"]:
                return f"{name} has {file.stat().st_size} bytes instead of {expected['size']}"
            if file_digest(file) != expected["sha256"]:
                return f"{name} does not match its checksum"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{MANIFEST}: {error!r}"
    return None


def _write_manifest(folder: Path, recipe: Recipe, counts: dict, seconds: float) -> None:
    """List the files with size and checksum, and bring everything to the disk."""
    files = {}
    own = (MANIFEST, _partial(folder / MANIFEST).name)  # the second of a kill while it was written
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = file.relative_to(folder).as_posix()
        if name not in own:
            files[name] = {"size": file.stat().st_size, "sha256": file_digest(file)}
            sync(file)
    manifest = {
        **recipe.ingredients,
        "digest": recipe.digest,
        "content": json_digest(files),
        "counts": counts,
        "files": files,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
    }
    manifest["self"] = json_digest(manifest)
    write_atomic(folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode())
    for place in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        sync(place)


def write_atomic(path: Path, data: bytes | memoryview) -> None:
    """Write a file so that a crash at any moment leaves the old one or the new one."""
    partial = _partial(path)
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)  # on a full disk it would keep the disk full
        raise
    sync(path.parent)


def _partial(path: Path) -> Path:
    """Where a file is written before it is whole."""
    return path.with_name(f".{path.name}.partial")


def sync(path: Path) -> None:
    """Bring a file or a folder's entries to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_ELSEWHERE = "or choose another place with paths.data=…"
_FULL = f"the disk is full: free some space, {_ELSEWHERE}"
_FORBIDDEN = f"it cannot be written: give yourself the right, {_ELSEWHERE}"
_IN_THE_WAY = f"a file stands where a folder is needed: move it, {_ELSEWHERE}"
_ADVICE = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EROFS: _FORBIDDEN,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EEXIST: _IN_THE_WAY,
}


@contextmanager
def explain_os_errors(folder: Path) -> Iterator[None]:
    """Turn the operating system's refusals into a UserError that says what to do."""
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        if error.errno not in _ADVICE or (error.errno == errno.EEXIST and Path(where).is_dir()):
            raise
        raise UserError(f"{where}: {_ADVICE[error.errno]}") from error
