"""Making something again because a person asks for it: ``--again train``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from femtogpt.artifacts.disk import write_atomic
from femtogpt.errors import UserError, nearest

STAGES = ("raw", "corpus", "tokenizer", "tokens", "run", "evaluation", "samples", "report")
ALIASES = {"fetch": "raw", "train": "run"}  # what the flows call them
FOLDER = ".again"


@dataclass
class _Asked:
    kinds: frozenset[str]
    done: set[str] = field(default_factory=set)  # what was begun: a retry does not begin it anew


_asked: ContextVar[_Asked | None] = ContextVar("asked", default=None)


def stages_in(text: str) -> list[str]:
    """Names of stages with commas or spaces between them."""
    return text.replace(",", " ").split()


def kinds_of(stages: Iterable[str]) -> frozenset[str]:
    """The kinds of artifact that stages make; UserError for a name that is none."""
    kinds = set()
    for stage in stages:
        kind = ALIASES.get(stage, stage)
        if kind not in STAGES:
            names = ["fetch", "corpus", "tokenizer", "tokens", "train", *STAGES[5:]]
            hint = nearest(stage, names) or f"; there are: {', '.join(names)}"
            raise UserError(f"--again {stage}: there is no such stage{hint}")
        kinds.add(kind)
    return frozenset(kinds)


@contextmanager
def made_again(stages: Iterable[str]) -> Iterator[None]:
    """Within this, the artifacts of these stages are made though they are up to date, once each.

    Raises UserError for an unknown stage.
    """
    token = _asked.set(_Asked(kinds_of(stages)))
    try:
        yield
    finally:
        _asked.reset(token)


def is_asked(kind: str, digest: str) -> bool:
    """Whether an artifact is asked for again, and was not begun again yet."""
    asked = _asked.get()
    return asked is not None and kind in asked.kinds and f"{kind}-{digest}" not in asked.done


def begin(kind: str, digest: str) -> None:
    """Note that an artifact is being made again."""
    if (asked := _asked.get()) is not None:
        asked.done.add(f"{kind}-{digest}")


def attempt(root: Path, kind: str, digest: str) -> int:
    """How often what ``digest`` names was asked for again; its newest attempt has this number."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return int(json.loads((root / FOLDER / f"{kind}-{digest}.json").read_bytes())["attempt"])
    return 0


def counted(root: Path, kind: str, digest: str) -> int:
    """The number of the newest attempt; a new one is begun if this process asks for it again."""
    if not is_asked(kind, digest):
        return attempt(root, kind, digest)
    begin(kind, digest)
    return next_attempt(root, kind, digest)


def next_attempt(root: Path, kind: str, digest: str) -> int:
    """Begin another attempt, beside which the earlier ones stay; its number."""
    number = attempt(root, kind, digest) + 1
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    text = json.dumps({"attempt": number})
    write_atomic(root / FOLDER / f"{kind}-{digest}.json", text.encode())
    return number
