"""What the commands show of a data folder in which something is damaged.

Each may show what it showed before, or what it shows where the damaged artifact is not there at
all, or a line of error.
"""

from __future__ import annotations

import io
import shutil
import traceback
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from typing import Any

from femtogpt.artifacts.disk import file_digest
from femtogpt.cli import main
from tests.faults.worker import Worker

COMMANDS = {
    "generate": ("generate", "Жила", "--tokens", "8", "--temperature", "0"),
    "evaluate": ("evaluate", "--json"),
    "export": ("export", "hf"),
    "memory": ("memory", "TEXT", "--json"),
    "memory of the run": ("memory", "TEXT", "--json", "--run", "small"),
    "corpus report": ("corpus", "report"),
    "corpus show": ("corpus", "show", "--seed", "1"),
    "corpus diff": ("corpus", "diff", "--seed", "1"),
    "tokens show": ("tokens", "show", "train/stories/00000", "--at", "0"),
    "tokens report": ("tokens", "report", "--sizes", "300"),
    "runs": ("runs",),
}


class Shown:
    """What each command shows of a worker's data folder when nothing is damaged."""

    def __init__(self, worker: Worker):
        self.worker = worker
        worker.before("end")
        self.right = self._now()
        errors = {name: text for name, (status, text) in self.right.items() if status}
        assert not errors, errors

    def wrong(self, kind: str) -> str | None:
        """What a command shows now that it should not, while an artifact of a kind is damaged."""
        now = self._now()
        if now == self.right:
            return None
        without = self._without(kind)
        for name, (status, text) in now.items():
            if [status, text] in (self.right[name], without[name]):
                continue
            last = (text.strip().splitlines() or [""])[-1]
            if status != 1 or not last.startswith("error: "):
                return f"femtogpt {name} ended with status {status}: {last[:300]}"
        return None

    @cache  # noqa: B019  there is one of it
    def _without(self, kind: str) -> dict[str, list[Any]]:
        """What each command shows where there is no artifact of a kind."""
        damaged = self.worker.data.rename(self.worker.folder / "damaged")
        self.worker.before("end")
        shutil.rmtree(self.worker.data / kind)
        without = self._now()
        shutil.rmtree(self.worker.data)
        damaged.rename(self.worker.data)
        return without

    def _now(self) -> dict[str, list[Any]]:
        """Status and output of each command, in a process of its own."""
        return self.worker.in_child(self._all)

    def _all(self) -> dict[str, list[Any]]:
        return {name: self._shown(*command) for name, command in COMMANDS.items()}

    def _shown(self, *command: str) -> list[Any]:
        """The status and what is on standard output, or on standard error if that is an error."""
        words = [str(self.worker.texts / "0.txt") if word == "TEXT" else word for word in command]
        words += ["--data", str(self.worker.data)]
        exported = self.worker.temporary / "exported"
        if "export" in words:
            words += ["--to", str(exported)]
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as error:
            try:
                status = main(words)
            except BaseException:
                return [3, traceback.format_exc()]
        if status:
            return [status, error.getvalue()]
        files = sorted(path for path in exported.rglob("*") if path.is_file())
        sums = [f"{path.name} {file_digest(path)}" for path in files]
        shutil.rmtree(exported, ignore_errors=True)
        return [0, "\n".join([out.getvalue(), *sums])]
