"""Where a configuration was read from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ConfigOrigin:
    """How a configuration was read; two that differ only in this are equal."""

    path: Path | None = field(default=None, compare=False)  # None: a file in conf/
    changes: tuple[str, ...] = field(default=(), compare=False)  # settings that replace the file's
    is_plain: bool = field(default=False, compare=False)  # as its file in conf/ has it
    given: tuple[str, ...] = field(default=(), compare=False)  # settings that a person wrote

    def as_dict(self) -> dict[str, Any]:
        """For a manifest (JSON)."""
        path = None if self.path is None else str(self.path)
        changes, given = list(self.changes), list(self.given)
        return {"path": path, "changes": changes, "plain": self.is_plain, "given": given}
