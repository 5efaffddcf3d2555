"""The file of votes: a line of JSON each, added whole or not at all."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from femtogpt.artifacts.disk import explain_os_errors, flush
from femtogpt.artifacts.file_lock import FileLock
from femtogpt.playground.votes import Better, Vote

FILE = "votes/votes.jsonl"  # in the data folder
PAIRS = ("runs", "seeds", "texts")


class VoteFile:
    """Votes on disk. Several processes may add to them at once."""

    def __init__(self, data: Path):
        self.path = data / FILE

    def add(self, vote: Vote) -> None:
        """Add a vote. Raises UserError where it cannot be written; the file is then as it was."""
        line = json.dumps(asdict(vote), ensure_ascii=False).encode() + b"\n"
        with explain_os_errors(self.path.parent):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_name(".lock")), self.path.open("ab") as file:
                _append(file.fileno(), line, _whole_lines(self.path))

    def read(self) -> list[Vote]:
        """All votes, the oldest first. Lines that are none are passed over."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        return [vote for line in lines if (vote := _vote(line))]


def _append(file: int, line: bytes, size: int) -> None:
    """Add a line to a file that is then ``size`` bytes long, or leave it so long."""
    os.ftruncate(file, size)
    try:
        written = 0
        while written < len(line):
            written += os.write(file, line[written:])
        flush(file)
    except BaseException:
        os.ftruncate(file, size)
        raise


def _whole_lines(path: Path) -> int:
    """The size of a file without a last line that a crash cut off."""
    return path.read_bytes().rfind(b"\n") + 1


def _vote(line: bytes) -> Vote | None:
    try:
        about: dict[str, Any] = json.loads(line)
        vote = Vote(**{**about, **{name: tuple(about[name]) for name in PAIRS}})
        return vote if len(vote.runs) == 2 and vote.better in get_args(Better) else None
    except (ValueError, TypeError, KeyError):
        return None
