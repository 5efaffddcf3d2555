"""What a data folder holds, in a form that can be compared, and what should not be there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from femtogpt.artifacts.again import STAGES
from femtogpt.artifacts.artifact import MANIFEST
from femtogpt.artifacts.disk import file_digest
from femtogpt.model.files import CHECKPOINTS
from femtogpt.report.run_report import PAGE

OWN = {".lines", ".locks", ".again", ".lock"}  # hidden ones that stay
Picture = dict[str, str]


def picture(data: Path) -> Picture:
    """Each artifact's files by their paths in the data folder, as checksums."""
    files = (
        path
        for kind in STAGES
        for path in sorted((data / kind).rglob("*"))
        if path.is_file() and not is_hidden(path.relative_to(data))
    )
    return {str(path.relative_to(data)): file_digest(path) for path in files}


def is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def essence(artifacts: Picture) -> dict[str, set[str]]:
    """What of it stays when a run's checkpoints are others: by kind and file, all that there are.

    Left out are those, and what tells the checksum of the run: manifests and the report's page.
    """
    kept: dict[str, set[str]] = {}
    for name, checksum in artifacts.items():
        kind, _, *rest = name.split("/")
        if rest[0] != CHECKPOINTS and rest[-1] not in (MANIFEST, PAGE):
            kept.setdefault("/".join((kind, *rest)), set()).add(checksum)
    return kept


def difference(before: Mapping[str, object], now: Mapping[str, object]) -> str | None:
    """What is not as it was, in one line; None if all is."""
    odd = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    if not odd:
        return None
    words = {True: "is missing", False: "differs"}
    more = f" and {len(odd) - 1} more" if len(odd) > 1 else ""
    return f"{odd[0]} {words[odd[0] not in now] if odd[0] in before else 'is new'}{more}"


def leftovers(data: Path, temporary: Path) -> list[str]:
    """Files and folders that only a work in progress has."""
    hidden = (path for path in sorted(data.rglob("*")) if path.name.startswith("."))
    return [
        *(str(path.relative_to(data)) for path in hidden if path.name not in OWN),
        *(path.name for path in sorted(temporary.iterdir()) if not _stays(path.name)),
    ]


def _stays(name: str) -> bool:
    """Whether a temporary file is for good: the locks of the devices, torch's cache."""
    return name == f"femtogpt-{os.getuid()}" or name.startswith("torchinductor_")
