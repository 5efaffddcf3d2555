"""A folder or an archive of ``.txt`` files on this machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from femtogpt.sources.texts import Texts, identity_of, readable, wanted


class Directory(Texts):
    """Texts of one's own: a path to a folder, a ``.zip`` or a ``.tar`` (also compressed)."""

    location: ClassVar[frozenset[str]] = frozenset({"path"})
    kind: Literal["directory"] = "directory"
    path: Path = Field(description="a folder or an archive of .txt files")

    def identity(self) -> dict:
        """The bytes, not the place: a moved folder is the same source, an edited one is not."""
        return {"kind": self.kind, "sha256": identity_of(self.path)}

    def fetch(self, into: Path) -> dict:
        if self.path.is_dir():
            for name in wanted(self.path):
                copy = into / readable(name)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.path / name, copy)
        else:
            shutil.copyfile(self.path, into / self.path.name)
        return {"path": str(self.path.resolve())}
