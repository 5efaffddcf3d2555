"""Files of this machine: what of a folder counts, its identity, and a copy of it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Set
from pathlib import Path

from femtogpt.artifact import digest_of_file
from femtogpt.errors import UserError
from femtogpt.sources.archives import check_archive, readable
from femtogpt.sources.info import INFO


def identity(path: Path, suffixes: Set[str]) -> str:
    """SHA-256 of an archive's bytes, or of the names and bytes of the files read in a folder.

    Raises UserError where there is no such file or it is not one that can be read.
    """
    if path.is_dir():
        whole = hashlib.sha256()
        for name in wanted(path, suffixes):
            line = f"{name}\n{digest_of_file(path / name)}\n"
            whole.update(line.encode(errors="surrogateescape"))
        return whole.hexdigest()
    check_archive(path)
    return digest_of_file(path)


def fetch(path: Path, suffixes: Set[str], into: Path) -> dict:
    """Copy what counts into ``into``; the provenance."""
    if path.is_dir():
        for name in wanted(path, suffixes):
            copy = into / readable(name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path / name, copy)
    else:
        shutil.copyfile(path, into / path.name)
    return {"path": str(path.resolve())}


def wanted(folder: Path, suffixes: Set[str]) -> list[str]:
    """The files in a folder that are read, as sorted paths relative to it; UserError if none."""
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if (path.suffix.lower() in suffixes or path.name == INFO)
        and not path.name.startswith("._")  # what macOS adds
        and path.is_file()
    )
    if all(Path(name).name == INFO for name in names):
        kinds = ", ".join(sorted(suffixes))
        raise UserError(f"{folder}: there is no {kinds} file in it; give a folder that has some")
    return names
