"""A store of artifacts that machines share: a folder that all see, or object storage.

::

    <kind>/<digest>/manifest.json       the artifact's manifest, written last
    <kind>/<digest>/<content>/<file>    its files
    claims/<kind>-<digest>.json         which machine makes it now

The manifest names the content, so that it never describes files of another making, even if two
machines make the same artifact at once, which they do only where claims cannot be written.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from functools import cache, cached_property
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from femtogpt.artifacts.artifact import MANIFEST, Artifact
from femtogpt.artifacts.claims import Claim, Claims
from femtogpt.artifacts.room import need_room
from femtogpt.errors import UserError
from femtogpt.storage import storage_path

RETRY_SECONDS = 300.0  # before a store that did not answer is asked again
PIECE_BYTES = 1 << 24  # copied at a time
T = TypeVar("T")
log = logging.getLogger(__name__)


class Remote:
    """The store at a URL. If it does not answer, a warning says so and work goes on without it."""

    def __init__(self, url: str):
        self.url = url
        self.ask_again_at = 0.0  # seconds of the monotonic clock

    @classmethod
    @cache
    def at(cls, url: str) -> Remote:
        """The store at a URL, the same for all stages: an absent one is not asked by each."""
        return cls(url)

    @property
    def away(self) -> bool:
        """Whether it did not answer a short while ago."""
        return time.monotonic() < self.ask_again_at

    @cached_property
    def folder(self) -> Path:
        """Raises UserError if the URL's scheme is unknown, or a package for it is missing."""
        return storage_path(self.url)

    @cached_property
    def claims(self) -> Claims:
        return Claims(self.folder)

    def find(self, kind: str, digest: str) -> Artifact | None:
        """An artifact as it lies in the store, with the folder of its files; None if there is none.

        Only its manifest is read.
        """
        manifest = self._asked(lambda: self._manifest(kind, digest))
        if manifest is None:
            return None
        content = manifest["content"]
        path = self.folder / kind / digest / content
        return Artifact(path, kind, digest, content, manifest["counts"])

    def take(self, kind: str, digest: str, into: Path) -> bool:
        """Copy an artifact's files and manifest into a folder; False if there is none."""
        manifest = self._asked(lambda: self._manifest(kind, digest))
        if manifest is None:
            return False
        content = self.folder / kind / digest / manifest["content"]
        into.mkdir(parents=True, exist_ok=True)
        size = sum(file["size"] for file in manifest["files"].values())
        need_room(into, size, f"{kind} from {self.url}")
        for name in manifest["files"]:
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            with (into / name).open("wb") as file:
                for piece in self._pieces(content / name):
                    file.write(piece)
        (into / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1), "utf-8")
        return not self.away

    def claimed(
        self, kind: str, digest: str, stage: str, owner: str
    ) -> AbstractContextManager[None]:
        """Wait for a machine that makes an artifact; within this, the others wait for this one.

        ``owner``: whose claim it is. After the wait the store may have the artifact.
        """

        def is_there() -> bool:
            with suppress(Exception):  # each kind of storage has its own
                return self._manifest(kind, digest) is not None
            return False

        return Claim(self.claims, f"{kind}-{digest}", stage, owner).held(is_there)

    def give(self, kind: str, digest: str, artifact: Path) -> bool:
        """Add an artifact unless the store has it. Returns whether it was copied."""

        def copy() -> bool:
            if self._manifest(kind, digest) is not None:
                return False
            manifest = (artifact / MANIFEST).read_bytes()
            described = json.loads(manifest)
            content = self.folder / kind / digest / described["content"]
            for name in described["files"]:
                (content / name).parent.mkdir(parents=True, exist_ok=True)
                with (artifact / name).open("rb") as read, (content / name).open("wb") as write:
                    shutil.copyfileobj(read, write, PIECE_BYTES)
            self._file(kind, digest).write_bytes(manifest)
            return True

        return bool(self._asked(copy))

    def forget(self, kind: str, digest: str) -> None:
        """Remove the manifest of a damaged artifact."""
        self._asked(lambda: self._file(kind, digest).unlink())

    def _file(self, kind: str, digest: str) -> Path:
        return self.folder / kind / digest / MANIFEST

    def _manifest(self, kind: str, digest: str) -> dict[str, Any] | None:
        with suppress(FileNotFoundError):
            manifest: dict[str, Any] = json.loads(self._file(kind, digest).read_bytes())
            return manifest
        return None

    def _pieces(self, file: Path) -> Iterator[bytes]:
        """A file's bytes; they end early if it is missing or the store does not answer."""

        def open_file() -> BinaryIO | None:
            with suppress(FileNotFoundError):
                return file.open("rb")
            return None

        stream = self._asked(open_file)
        if stream is None:
            return
        with stream:
            while piece := self._asked(lambda: stream.read(PIECE_BYTES)):
                yield piece

    def _asked(self, ask: Callable[[], T]) -> T | None:
        """The store's answer; None if it does not answer."""
        if self.away:
            return None
        try:
            return ask()
        except UserError:
            raise
        except Exception as error:  # each kind of storage has its own
            self.ask_again_at = time.monotonic() + RETRY_SECONDS
            why = (str(error).strip() or type(error).__name__).splitlines()[0]
            log.warning(
                "paths.remote %s cannot be used (%s): everything stays on this machine, and a later"
                " run adds it there",
                *(self.url, why),
            )
            return None
