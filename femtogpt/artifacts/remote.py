"""A store of artifacts that machines share: a folder that all see, or object storage.

::

    <kind>/<digest>/manifest.json       the artifact's manifest, written last
    <kind>/<digest>/<content>/<file>    its files

The manifest names the content, so that it never stands for files of another making, even where two
machines make the same artifact at once.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path
from typing import BinaryIO, TypeVar

from femtogpt.errors import UserError
from femtogpt.storage import storage_path

MANIFEST = "manifest.json"
WHILE = 300.0  # seconds for which a store that did not answer is not asked
PIECE = 1 << 24  # bytes copied at once
T = TypeVar("T")
log = logging.getLogger(__name__)


class Remote:
    """What lies at a URL. One that does not answer is told, and gone on without for a while."""

    def __init__(self, url: str):
        self.url = url
        self.ask_again_at = 0.0  # seconds of the monotonic clock

    @classmethod
    @cache
    def at(cls, url: str) -> Remote:
        """The one of this process for a URL: what does not answer is not asked by each stage."""
        return cls(url)

    @property
    def away(self) -> bool:
        """Whether it did not answer a while ago."""
        return time.monotonic() < self.ask_again_at

    @cached_property
    def place(self) -> Path:
        """Raises UserError where the URL's kind is not known, or a package for it is missing."""
        return storage_path(self.url)

    def take(self, kind: str, digest: str, into: Path) -> bool:
        """Copy an artifact's files and manifest into a folder; False where there is none."""
        manifest = self._asked(lambda: self._manifest(kind, digest))
        if manifest is None:
            return False
        content = self.place / kind / digest / manifest["content"]
        for name in manifest["files"]:
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            with (into / name).open("wb") as file:
                for piece in self._pieces(content / name):
                    file.write(piece)
        (into / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1), "utf-8")
        return not self.away

    def give(self, kind: str, digest: str, artifact: Path) -> bool:
        """Copy an artifact there, if it is not there yet; whether it was copied."""

        def copy() -> bool:
            if self._manifest(kind, digest) is not None:
                return False
            manifest = (artifact / MANIFEST).read_bytes()
            known = json.loads(manifest)
            content = self.place / kind / digest / known["content"]
            for name in known["files"]:
                (content / name).parent.mkdir(parents=True, exist_ok=True)
                with (artifact / name).open("rb") as read, (content / name).open("wb") as write:
                    shutil.copyfileobj(read, write, PIECE)
            self._file(kind, digest).write_bytes(manifest)
            return True

        return bool(self._asked(copy))

    def forget(self, kind: str, digest: str) -> None:
        """Take away the manifest of an artifact that is damaged."""
        self._asked(lambda: self._file(kind, digest).unlink())

    def _file(self, kind: str, digest: str) -> Path:
        return self.place / kind / digest / MANIFEST

    def _manifest(self, kind: str, digest: str) -> dict | None:
        with suppress(FileNotFoundError):
            return json.loads(self._file(kind, digest).read_bytes())

    def _pieces(self, file: Path) -> Iterator[bytes]:
        """A file's bytes; they end early where it is missing, or the store does not answer."""

        def open_file() -> BinaryIO | None:
            with suppress(FileNotFoundError):
                return file.open("rb")

        stream = self._asked(open_file)
        while stream and (piece := self._asked(lambda: stream.read(PIECE))):
            yield piece

    def _asked(self, ask: Callable[[], T]) -> T | None:
        """What the store answers; None where it does not."""
        if self.away:
            return None
        try:
            return ask()
        except UserError:
            raise
        except Exception as error:  # each kind of storage has its own
            self.ask_again_at = time.monotonic() + WHILE
            why = (str(error).strip() or type(error).__name__).splitlines()[0]
            log.warning(
                "paths.remote %s cannot be used (%s): all stays on this machine, and a later run"
                " adds it there",
                *(self.url, why),
            )
            return None
