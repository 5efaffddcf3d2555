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

STAGES = (
    *("raw", "corpus", "tokenizer", "tokens", "run", "evaluation", "samples"),
    *("text_index", "memory", "ngram", "ppmd", "report", "choice"),
)
ALIASES = {"fetch": "raw", "train": "run", "choose": "choice"}  # what the flows call them
FOLDER = ".again"


@dataclass
class _Request:
    kinds: frozenset[str]
    begun: set[str] = field(default_factory=set)  # artifacts: a retry does not begin them anew


_request: ContextVar[_Request | None] = ContextVar("request", default=None)


def stages_in(text: str) -> list[str]:
    """Names of stages with commas or spaces between them."""
    return text.replace(",", " ").split()


def kinds_of(stages: Iterable[str]) -> frozenset[str]:
    """The kinds of artifact that stages make. Raises UserError for an unknown stage."""
    kinds = set()
    for stage in stages:
        kind = ALIASES.get(stage, stage)
        if kind not in STAGES:
            names = ["fetch", "corpus", "tokenizer", "tokens", "train", *STAGES[5:]]
            hint = nearest(stage, names) or f"; there are: {', '.join(names)}"
            raise UserError(f"stage {stage!r} is unknown{hint}")
        kinds.add(kind)
    return frozenset(kinds)


@contextmanager
def made_again(stages: Iterable[str]) -> Iterator[None]:
    """Within this context, remake the artifacts of these stages even if up to date, once each.

    Raises UserError for an unknown stage.
    """
    token = _request.set(_Request(kinds_of(stages)))
    try:
        yield
    finally:
        _request.reset(token)


def is_requested(kind: str, digest: str) -> bool:
    """Whether an artifact is to be made again, and was not begun again yet."""
    request = _request.get()
    return request is not None and kind in request.kinds and f"{kind}-{digest}" not in request.begun


def begin(kind: str, digest: str) -> None:
    """Note that an artifact is being made again."""
    if (request := _request.get()) is not None:
        request.begun.add(f"{kind}-{digest}")


def last_attempt(root: Path, kind: str, digest: str) -> int:
    """The number of attempts to make an artifact again that were begun so far."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return int(json.loads((root / FOLDER / f"{kind}-{digest}.json").read_bytes())["attempt"])
    return 0


def next_attempt(root: Path, kind: str, digest: str) -> int:
    """Begin another attempt and return its number. The earlier ones stay beside it."""
    number = last_attempt(root, kind, digest) + 1
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    text = json.dumps({"attempt": number})
    write_atomic(root / FOLDER / f"{kind}-{digest}.json", text.encode())
    return number
