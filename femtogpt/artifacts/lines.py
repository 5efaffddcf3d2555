"""Which artifacts each configuration used last, in ``<root>/.lines/<configuration>.json``.

An artifact may serve several configurations, and a configuration may go back and forth between
settings. A change is compared with what the configuration used last, and that is kept for it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from femtogpt.artifacts.disk import write_atomic
from femtogpt.artifacts.file_lock import FileLock

FOLDER = ".lines"


@dataclass(frozen=True)
class Line:
    """What a configuration used last, by stage, as ``<kind>/<digest>``."""

    last: dict[str, str] = field(default_factory=dict)
    plain: dict[str, str] = field(default_factory=dict)  # with the unchanged file in conf/


def read_line(root: Path, configuration: str) -> Line:
    """The line of a configuration; empty if none is recorded."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads((root / FOLDER / f"{configuration}.json").read_bytes())
        return Line(dict(kept["last"]), dict(kept["plain"]))
    return Line()


def read_lines(root: Path) -> dict[str, Line]:
    """The lines of all configurations, by name."""
    names = sorted(path.stem for path in (root / FOLDER).glob("*.json"))
    return {name: read_line(root, name) for name in names}


def record(root: Path, configuration: str, stage: str, artifact: str, plain: bool) -> None:
    """Record that a configuration used an artifact for a stage.

    ``plain``: with the settings of its file in ``conf/``, unchanged. A folder that cannot be
    written is left as it is.
    """
    if _has(read_line(root, configuration), stage, artifact, plain):
        return
    with suppress(OSError):
        for folder in (FOLDER, ".locks"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".locks" / f"line-{configuration}"):
            line = read_line(root, configuration)
            line.last[stage] = artifact
            if plain:
                line.plain[stage] = artifact
            text = json.dumps({"last": line.last, "plain": line.plain}, indent=1)
            write_atomic(root / FOLDER / f"{configuration}.json", text.encode())


def _has(line: Line, stage: str, artifact: str, plain: bool) -> bool:
    parts = [line.last, *([line.plain] if plain else [])]
    return all(part.get(stage) == artifact for part in parts)
