"""Artifacts: folders that are complete if they exist, and that say what they were made from.

An artifact is the folder ``<root>/<kind>/<digest>/`` with a ``manifest.json``. The digest names
what went in: the settings, the code of the stage and the contents of its inputs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from femtogpt.artifacts.disk import file_digest, json_digest, partial_name, sync, write_atomic
from femtogpt.errors import Damaged

MANIFEST = "manifest.json"
RECIPE_FILE = ".recipe.json"  # the recipe of an unfinished artifact, until it has a manifest
_OWN_FILES = (MANIFEST, RECIPE_FILE, *(partial_name(Path(n)).name for n in (MANIFEST, RECIPE_FILE)))


@dataclass(frozen=True)
class Artifact:
    """A complete artifact on disk.

    ``content`` is the digest of its files: two artifacts with the same files have the same
    content, however they were made, and what depends on one is up to date for the other.
    """

    path: Path
    kind: str
    digest: str
    content: str
    counts: Mapping[str, Any]
    made: bool = field(default=False, compare=False)  # in this process, rather than found

    @classmethod
    def load(cls, path: Path, made: bool = False) -> Artifact:
        """Load the manifest in ``path``.

        Raises OSError or ValueError if it is missing or malformed.
        """
        manifest = read_manifest(path)
        try:
            kind, digest, content = (manifest[key] for key in ("kind", "digest", "content"))
            return cls(path, kind, digest, content, manifest["counts"], made)
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path / MANIFEST} is not a manifest") from error

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest's content."""
        return read_manifest(self.path)


@dataclass(frozen=True)
class Recipe:
    """What determines an artifact: the settings, the stage's code and the inputs.

    ``code`` are the stage's modules with their digests (``code_of(__name__)``). With a ``version``
    they are recorded but do not count: what takes days or a download to make again outlives
    edited code. Version 0.1 of femtogpt used such numbers in place of digests of code, so its
    trainings and downloads are still found.
    """

    kind: str
    code: Mapping[str, str]
    config: Mapping[str, Any]
    inputs: Mapping[str, Artifact] = field(default_factory=dict)
    version: int | None = None
    attempt: int = 0  # counts how often a person asked for it again
    # How a person writes the settings in ``config``: first part to prefix, "" for all others; "*"
    # in a prefix is the second part. After "=" comes a phrase, for values that mean nothing to a
    # person, such as digests.
    names: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def ingredients(self) -> dict[str, Any]:
        """What the digest is computed from."""
        contents = {name: artifact.content for name, artifact in self.inputs.items()}
        code = {"code": dict(self.code)} if self.version is None else {"version": self.version}
        attempt = {"attempt": self.attempt} if self.attempt else {}
        config = dict(self.config)
        return {"kind": self.kind, **code, **attempt, "config": config, "inputs": contents}

    @property
    def digest(self) -> str:
        return json_digest(self.ingredients)[:16]

    @property
    def description(self) -> dict[str, Any]:
        """The recipe as it is written into the manifest."""
        made_from = {name: f"{item.kind}/{item.digest}" for name, item in self.inputs.items()}
        return {
            **self.ingredients,
            "digest": self.digest,
            "code": dict(self.code),
            "made_from": made_from,
        }


@dataclass(frozen=True)
class Fault:
    """What is wrong with an artifact's files."""

    file: str
    present: str  # "is missing"
    past: str  # "was missing"

    def __str__(self) -> str:
        return f"{self.file} {self.present}"


def fault_of(path: Path) -> Fault | None:
    """What is wrong with the files of an artifact, or None. Reads and verifies every file."""
    try:
        manifest = _parsed(path)
        if not _is_itself(manifest):
            return _no_match(MANIFEST)
        for name, expected in manifest["files"].items():
            file = path / name
            if not file.is_file():
                return Fault(name, "is missing", "was missing")
            if (size := file.stat().st_size) != expected["size"]:
                sizes = f"{size} bytes instead of {expected['size']}"
                return Fault(name, f"has {sizes}", f"had {sizes}")
            if file_digest(file) != expected["sha256"]:
                return _no_match(name)
    except FileNotFoundError:
        return Fault(MANIFEST, "is missing", "was missing")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Fault(MANIFEST, f"cannot be read ({error!r})", f"could not be read ({error!r})")
    return None


def refuse_damaged(path: Path) -> None:
    """Raise Damaged if a folder is an artifact with a damaged or missing file."""
    if (path / MANIFEST).exists() and (fault := fault_of(path)):
        raise Damaged(f"{path} is damaged ({fault}): run make pipeline to mend it")


def discard_damaged(partial: Path) -> set[str] | None:
    """Take the damaged files from an artifact that was complete, and its manifest with them.

    So what is whole can be gone on with, and no damage gets a new checksum. Gives the names that
    the manifest lists and that are not there now; None if there is no sound manifest.
    """
    lacking = None
    with suppress(OSError, ValueError, KeyError):
        files = read_manifest(partial)["files"]
        lacking = {name for name in files if not _is_whole(partial / name, files[name])}
        for name in lacking:
            (partial / name).unlink(missing_ok=True)
    (partial / MANIFEST).unlink(missing_ok=True)
    return lacking


def _is_whole(file: Path, expected: Mapping[str, Any]) -> bool:
    return file.is_file() and file_digest(file) == expected["sha256"]


def _no_match(name: str) -> Fault:
    return Fault(name, "does not match its checksum", "did not match its checksum")


def read_manifest(path: Path) -> dict[str, Any]:
    """Read the manifest in an artifact's folder.

    Raises OSError or ValueError without one, or if it is not as it was written.
    """
    manifest = _parsed(path)
    if "self" in manifest and not _is_itself(manifest):
        raise ValueError(f"{path / MANIFEST} does not match its checksum")
    return manifest


def _parsed(path: Path) -> dict[str, Any]:
    manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    if not isinstance(manifest, dict):
        raise ValueError(f"{path / MANIFEST} is not a manifest")
    return manifest


def _is_itself(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest has the checksum that it says."""
    rest = {name: value for name, value in manifest.items() if name != "self"}
    return bool(manifest["self"] == json_digest(rest))


def read_recipe(partial: Path) -> dict[str, Any] | None:
    """Read the recipe of an unfinished artifact; None if version 0.1 began it."""
    with suppress(OSError, ValueError):
        recipe = json.loads((partial / RECIPE_FILE).read_text(encoding="utf-8"))
        return recipe if isinstance(recipe, dict) else None
    return None


def write_recipe(partial: Path, description: Mapping[str, Any]) -> None:
    """Record in an unfinished artifact what it is being made from."""
    text = json.dumps(description, ensure_ascii=False, indent=1)
    write_atomic(partial / RECIPE_FILE, text.encode())


def write_manifest(
    folder: Path, description: Mapping[str, Any], counts: Mapping[str, Any], seconds: float
) -> None:
    """List the files with size and checksum, and flush everything to the disk."""
    files = _listed(folder)
    for name in files:
        sync(folder / name)
    manifest = {
        **description,
        "content": json_digest(files),
        "counts": counts,
        "files": files,
        "made": _moment_after(folder.parent).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
    }
    _write(folder, manifest)
    (folder / RECIPE_FILE).unlink(missing_ok=True)
    for inner in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        sync(inner)


def write_manifest_of_copy(folder: Path, artifact: Artifact, names: Iterable[str]) -> None:
    """Write into ``folder`` the manifest of a copy of these files of an artifact.

    The files in the folder, which are to lie beside them, are listed as well. By its content, the
    copy is the artifact.
    """
    manifest = artifact.manifest
    manifest.pop("self", None)
    files = {name: manifest["files"][name] for name in names}
    _write(folder, {**manifest, "files": {**files, **_listed(folder)}})


def _write(folder: Path, manifest: Mapping[str, Any]) -> None:
    manifest = {**manifest, "self": json_digest(manifest)}
    write_atomic(folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode())


def _listed(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and checksum of each file below a folder, but for those about an artifact."""
    files = {}
    for file in sorted(_files(folder)):
        name = file.relative_to(folder).as_posix()
        if name not in _OWN_FILES:
            files[name] = {"size": file.stat().st_size, "sha256": file_digest(file)}
    return files


def _moment_after(kind: Path) -> datetime:
    """Now; where the clock was set back, just after what was made last, so that order remains."""
    now = datetime.now(UTC)
    for file in kind.glob(f"[!.]*/{MANIFEST}"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            made = datetime.fromisoformat(read_manifest(file.parent)["made"])
            if made > now:
                now = made + timedelta(seconds=1)
    return now


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
