"""What came of the tries, as a table for a person and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

KEYS = ("kills", "disk", "damages", "inputs", "network", "together")


class NotTried(Exception):
    """What is needed for a part's tries is not there; the message says what."""


@dataclass(frozen=True)
class Try:
    """One attempt to break something."""

    part: str
    row: str  # of the table: the stage or the kind
    what: str  # was done
    seed: int  # repeats it
    seconds: float
    failure: str | None = None  # in one line
    hits: int | None = None  # of kills: how many came to a process that was alive

    @property
    def repeat(self) -> str:
        return f"python -m tests.faults {self.part} --seed {self.seed} --tries 1"


@dataclass(frozen=True)
class Untried:
    """Tries of a part that were not made."""

    part: str
    tries: int
    why: str
    is_machine: bool  # rather than the time, which may be more the next time

    def __str__(self) -> str:
        return f"{self.part}: {self.tries} not tried, {self.why}"


def table(tries: Sequence[Try], untried: Sequence[Untried] = ()) -> str:
    """A line for each part and row: tries and how many failed; how many kills hit; what is left."""
    lines = [f"{'part':10} {'stage or kind':36} {'tries':>6} {'failed':>7}"]
    for part, row in dict.fromkeys((one.part, one.row) for one in sorted(tries, key=_place)):
        these = [one for one in tries if (one.part, one.row) == (part, row)]
        failed = sum(one.failure is not None for one in these)
        lines.append(f"{part:10} {row:36} {len(these):6} {failed:7}")
    seconds = sum(one.seconds for one in tries)
    failed = sum(one.failure is not None for one in tries)
    lines.append(f"{'all':10} {f'in {seconds:.0f} s':36} {len(tries):6} {failed:7}")
    if kills := [one for one in tries if one.hits is not None]:
        real = sum(map(is_real, kills))
        lines.append(f"{'kills':10} {'of them before the process ended':36} {real:6}")
    lines += [f"{one.part:10} {'not tried':36} {one.tries:6}" for one in untried]
    return "\n".join(lines)


def is_real(one: Try) -> bool:
    """Whether anything was tried: a kill after the end of the process is none."""
    return one.hits != 0


def _place(one: Try) -> int:
    return KEYS.index(one.part)


def failures(tries: Sequence[Try]) -> list[str]:
    """Each failure in one line, with how to repeat it."""
    return [
        f"{one.part}, {one.row}: {one.what}: {one.failure}; again: {one.repeat}"
        for one in tries
        if one.failure is not None
    ]


def write(tries: Sequence[Try], untried: Sequence[Untried], out: Path) -> None:
    """The number of real tries of each part, the failures, and what was not tried, as JSON."""
    counts = {key: sum(one.part == key and is_real(one) for one in tries) for key in KEYS}
    left = {one.part: {"tries": one.tries, "why": one.why} for one in untried}
    out.parent.mkdir(parents=True, exist_ok=True)
    found = {**counts, "failures": failures(tries), "untried": left}
    text = json.dumps(found, ensure_ascii=False, indent=1)
    out.write_text(text + "\n", encoding="utf-8")
