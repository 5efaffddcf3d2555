"""``femtogpt artifacts``: what a data folder holds, and the removal of what nothing needs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from femtogpt.artifacts.inventory import Entry, Inventory
from femtogpt.artifacts.reasons import listed
from femtogpt.commands.table import age, size, table
from femtogpt.config import Config
from femtogpt.config_file import CONF, load_config
from femtogpt.errors import UserError
from femtogpt.pipeline_stages import verdicts

DIGEST_LENGTH = 6  # of a digest, where it is only mentioned
BEST_FILES = "sweeps/*/best.yaml"  # in the data folder (see femtogpt.sweep.sweep_report)


def inventory(data: Path, conf: Path = CONF) -> Inventory:
    """What a data folder holds, with all that the configurations and sweeps need of it."""
    named: dict[str, str] = {}
    names = set()
    for file in sorted(conf.glob("*.yaml")):
        if config := _loaded(str(file)):
            names.add(config.name)
            named |= _paths(config, data, f"named in {file.name}")
    for file in sorted(data.glob(BEST_FILES)):
        if config := _loaded(str(file)):
            sweep = f"the best of the sweep {file.parent.name}"
            named |= {key: sweep for key in _line(config, data)} | _paths(config, data, sweep)
    return Inventory(data, names, named)


def _loaded(path: str) -> Config | None:
    with suppress(UserError):  # it cannot be used either
        return load_config(path)
    return None


def _line(config: Config, data: Path) -> Iterator[str]:
    """The artifacts of a configuration's pipeline, up to date or not, as ``<kind>/<digest>``."""
    paths = config.paths.model_copy(update={"data": data, "remote": None})
    config = config.model_copy(update={"paths": paths})
    for verdict in verdicts(config):
        if artifact := verdict.state.artifact or verdict.stand_in:
            yield f"{artifact.kind}/{artifact.digest}"


def _paths(config: Config, data: Path, why: str) -> dict[str, str]:
    """The artifacts in which files lie that a configuration names by their paths."""
    sources = config.sources.values()
    paths = [config.tokenizer.path, config.train.init_from, config.train.teacher]
    paths += [getattr(source, name, None) for source in sources for name in ("path", "archive")]
    keys = {}
    for path in filter(None, paths):
        with suppress(ValueError):
            kind, digest, *_ = Path(path).resolve().relative_to(data.resolve()).parts
            keys[f"{kind}/{digest}"] = why
    return keys


def listing(holding: Inventory) -> str:
    """A table of all artifacts, by kind and age."""
    if not holding.entries:
        return f"{holding.root} holds no artifacts yet: make pipeline makes some"
    rows = [
        (
            entry.name,
            age(entry.made),
            size(entry.size),
            entry.configuration.get("name", "—"),
            listed(_sources(entry)) or "—",
            _use(holding, entry),
        )
        for entry in holding.entries
    ]
    total = size(sum(entry.size for entry in holding.entries))
    head = ("artifact", "age", "size", "configuration", "made from", "used by")
    return f"{table(head, rows)}\n{len(rows)} artifacts, {total}"


def _sources(entry: Entry) -> list[str]:
    """What an artifact was made from: its inputs' names; of raw bytes the dataset or the kind."""
    config = entry.about.get("config") or {}
    if entry.kind == "raw":
        return [str(config.get("dataset") or config.get("kind"))]
    return list(entry.about.get("inputs") or ())


def _use(holding: Inventory, entry: Entry) -> str:
    state = "" if entry.finished else "unfinished"
    users = [_short(name) for name in dict.fromkeys(holding.uses.get(entry, []))]
    used = listed(users) or holding.kept.get(entry, "nothing")
    return ": ".join(filter(None, [state, used]))


def _short(name: str) -> str:
    """A configuration's name, or that of an artifact with fewer digits."""
    kind, slash, digest = name.partition("/")
    return f"{kind}/{digest.lstrip('.')[:DIGEST_LENGTH]}" if slash else name


def as_json(holding: Inventory) -> str:
    """All artifacts for programs."""
    return json.dumps([_record(holding, entry) for entry in holding.entries], ensure_ascii=False)


def _record(holding: Inventory, entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "kind": entry.kind,
        "stage": entry.stage,
        "path": str(entry.path),
        "finished": entry.finished,
        "made": entry.made.isoformat(),
        "bytes": entry.size,
        "configuration": dict(entry.configuration),
        "made_from": [source.name for source in holding.made_from(entry)],
        "used_by": holding.uses.get(entry, []),
        "kept": holding.kept.get(entry),
    }


def prune(
    holding: Inventory, names: Iterable[str] = (), dry_run: bool = False, yes: bool = False
) -> Iterator[str]:
    """Remove what nothing needs, or the artifacts of these names, after a question; tells which.

    Raises UserError for a name that is none, and where there is nobody to answer.
    """
    chosen = [holding.find(name) for name in names] or holding.removable
    if not chosen:
        yield "there is nothing to remove: everything is needed, or has to be named"
        return
    total = 0
    for entry in chosen:
        total += entry.size
        kept = holding.kept.get(entry)
        yield f"{entry.name}  {size(entry.size)}, {age(entry.made)}{f'  ({kept})' if kept else ''}"
    count = f"{len(chosen)} artifact{'s' if len(chosen) > 1 else ''}, {size(total)}"
    if dry_run:
        yield f"{count}: nothing was removed (--dry-run)"
        return
    if not (yes or _agreed(f"Remove {count}? [y/N] ")):
        yield "nothing was removed"
        return
    for entry in chosen:
        holding.remove(entry)
    yield f"removed: {count}"


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UserError("nobody is there to answer: give --yes to remove it, or --dry-run to look")
    return input(question).strip().lower() in ("y", "yes")
