"""What a data folder holds, which artifacts are needed, and the removal of the others."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from femtogpt.artifacts.again import STAGES
from femtogpt.artifacts.artifact import MANIFEST, read_manifest, read_recipe
from femtogpt.artifacts.file_lock import FileLock, Timeout
from femtogpt.artifacts.lines import read_lines
from femtogpt.artifacts.store import LOCKS
from femtogpt.errors import UserError

REMOVED = ".removed"  # suffix of a folder while it is deleted


@dataclass(frozen=True)
class Entry:
    """An artifact, finished or not; ``about`` is its manifest or recipe."""

    path: Path
    kind: str
    digest: str
    finished: bool
    about: Mapping[str, Any] = field(compare=False, hash=False)

    @property
    def name(self) -> str:
        """``<kind>/<folder>``, as a person names it; an unfinished one's folder has a dot."""
        return f"{self.kind}/{self.path.name}"

    @property
    def key(self) -> str:
        """``<kind>/<digest>``, as other artifacts name it."""
        return f"{self.kind}/{self.digest}"

    @property
    def is_leftover(self) -> bool:
        """Whether it is left from a copy or a removal during which the process was killed."""
        return self.path.suffix in (".taken", REMOVED)

    @property
    def stage(self) -> str:
        return str(self.about.get("stage") or self.kind)

    @property
    def configuration(self) -> Mapping[str, Any]:
        """For which configuration it was made; empty if that is not recorded."""
        return self.about.get("configuration") or {}

    @property
    def changed(self) -> int:
        """When its folder or its manifest changed last, in nanoseconds: ``made`` has seconds."""
        manifest = self.path / MANIFEST
        return (manifest if manifest.exists() else self.path).stat().st_mtime_ns

    @property
    def made(self) -> datetime:
        """When it was made, or last changed if it is not finished."""
        with suppress(KeyError, ValueError):
            return datetime.fromisoformat(self.about["made"])
        times = [file.stat().st_mtime for file in _files(self.path)]
        return datetime.fromtimestamp(max(times, default=self.path.stat().st_mtime), UTC)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in _files(self.path))


def _files(path: Path) -> list[Path]:
    return [file for file in path.rglob("*") if file.is_file()]


def entries(root: Path) -> list[Entry]:
    """All artifacts in a data folder, finished or not, by kind and then by age."""
    unsorted = (entry for kind in STAGES for entry in _of_kind(root / kind))
    return sorted(unsorted, key=lambda entry: (STAGES.index(entry.kind), entry.made, entry.changed))


def _of_kind(folder: Path) -> Iterable[Entry]:
    for path in folder.iterdir() if folder.is_dir() else ():
        if not path.is_dir():
            continue
        digest = path.name.strip(".").partition(".")[0]
        is_partial = path.name.startswith(".")
        about = (read_recipe(path) if is_partial else None) or {}
        with suppress(OSError, ValueError):
            about = about or read_manifest(path)
        yield Entry(path, folder.name, digest, bool(about) and not is_partial, about)


def is_busy(root: Path, entry: Entry) -> bool:
    """Whether a process is making an artifact."""
    lock = root / LOCKS / f"{entry.kind}-{entry.digest}"
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


class Inventory:
    """The artifacts of a data folder, with what uses them."""

    def __init__(
        self, root: Path, configurations: Iterable[str], named: Mapping[str, str] | None = None
    ):
        """``configurations`` are the names of those in ``conf/``.

        ``named`` are artifacts that something outside this folder's records needs, as
        ``<kind>/<digest>`` to what that is.
        """
        self.root = root
        self.entries = entries(root)
        self._by_key: dict[str, list[Entry]] = defaultdict(list)
        self._by_content: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        for entry in self.entries:
            self._by_key[entry.key].append(entry)
            if entry.finished:
                self._by_content[entry.kind, str(entry.about.get("content"))].append(entry)
        self.uses: dict[Entry, list[str]] = defaultdict(list)  # configurations and artifacts
        self.kept: dict[Entry, str] = {}  # those removed only by name, and why
        lines = self._lines(set(configurations))
        for entry in self.entries:
            for source in self.made_from(entry):
                self.uses[source].append(entry.name)
        for key, users in lines.items():
            for entry in self._by_key.get(key, []):
                self.uses[entry][:0] = users
        self._keep(lines, named or {})

    def made_from(self, entry: Entry) -> list[Entry]:
        """The artifacts that one was made from, if they still exist."""
        sources: list[Entry] = []
        input_keys = entry.about.get("made_from") or {}
        for name, content in (entry.about.get("inputs") or {}).items():
            exact = [
                source
                for source in self._by_key.get(input_keys.get(name, ""), ())
                if source.finished
            ]
            kinds = [name] if name in STAGES else STAGES
            alike = [same for kind in kinds for same in self._by_content.get((kind, content), ())]
            sources += exact or alike
        return sources

    def _lines(self, configurations: set[str]) -> dict[str, list[str]]:
        """The artifacts that configurations used last, each with their names.

        For a configuration that is no longer in ``conf/``, only those that were made with changed
        settings.
        """
        used: dict[str, list[str]] = defaultdict(list)
        for name, line in read_lines(self.root).items():
            keys = {*line.last.values(), *line.plain.values()}
            if name not in configurations:
                keys -= {*line.plain.values()}
            for key in keys:
                used[key].append(name)
        return used

    def _keep(self, lines: Mapping[str, list[str]], named: Mapping[str, str]) -> None:
        for entry in self.entries:
            if entry.is_leftover:
                continue
            if users := lines.get(entry.key):
                self._keep_with_sources(entry, f"used by {', '.join(users)}")
            elif (why := named.get(entry.key)) or (why := _origin(entry)):
                self._keep_with_sources(entry, why)
        for entry in self.entries:
            if is_busy(self.root, entry):
                self._keep_with_sources(entry, "being made now")
            elif entry.kind == "run" and not entry.is_leftover:
                self._keep_run(entry)
            elif entry.kind == "raw" and not (entry.finished or entry.is_leftover):
                self.kept.setdefault(entry, "an unfinished download")

    def _keep_run(self, run: Entry) -> None:
        """Keep a training with the tokens that it needs; if it goes on, with all it needs."""
        if not run.finished:
            self._keep_with_sources(run, "an unfinished training")
            if not run.about:  # version 0.1 did not record what it needs
                for entry in self.entries:
                    if entry.kind == "tokens":
                        self._keep_with_sources(entry, f"perhaps needed by {run.name}")
            return
        self.kept.setdefault(run, "a trained model")
        for source in self.made_from(run):
            self.kept.setdefault(source, f"what {run.name} was trained on")

    def _keep_with_sources(self, entry: Entry, why: str) -> None:
        waiting = [(entry, why)]
        seen = set()
        while waiting:
            entry, why = waiting.pop()
            if entry in seen:
                continue
            seen.add(entry)
            self.kept.setdefault(entry, why)
            waiting += [(source, f"needed by {entry.name}") for source in self.made_from(entry)]

    @property
    def removable(self) -> list[Entry]:
        """The artifacts that may be removed without being named."""
        return [entry for entry in self.entries if entry not in self.kept]

    def find(self, name: str) -> Entry:
        """The artifact of this name: ``run/12ab…``, its beginning or its folder.

        Raises UserError if there is none or it is not unique.
        """
        names = {entry: {entry.name, entry.key, str(entry.path)} for entry in self.entries}
        exact = [entry for entry in self.entries if name in names[entry]]
        same = exact or [e for e in self.entries if any(n.startswith(name) for n in names[e])]
        if len(same) == 1:
            return same[0]
        problem = "is not unique" if same else "is not an artifact"
        raise UserError(f"{name} {problem} in {self.root}: femtogpt artifacts lists what there is")

    def remove(self, entry: Entry) -> None:
        """Delete an artifact. Raises UserError while a process is making it."""
        (self.root / LOCKS).mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.root / LOCKS / f"{entry.kind}-{entry.digest}", timeout=0):
                gone = entry.path.with_name(f".{entry.path.name.lstrip('.')}{REMOVED}")
                if entry.path != gone:
                    shutil.rmtree(gone, ignore_errors=True)
                    os.rename(entry.path, gone)  # what exists under its name stays complete
                shutil.rmtree(gone)
        except Timeout:
            raise UserError(f"{entry.name} is being made by a process: stop that first") from None


def _origin(entry: Entry) -> str:
    """Why an artifact is kept because of how it was made; empty if it is not."""
    if not entry.about and not entry.path.name.startswith("."):
        return "its manifest is damaged"
    if not entry.finished:  # trainings and downloads have rules of their own
        return ""
    made_for = entry.configuration
    if not made_for:
        return "femtogpt 0.1 did not record its settings"
    if made_for.get("changes"):
        return f"made with {', '.join(made_for['changes'])}"
    return "" if made_for.get("plain") else f"made for {made_for.get('path')}"
