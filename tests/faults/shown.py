"""What the commands show of a data folder: what they showed before, or one line of error."""

from __future__ import annotations

import io
import shutil
import traceback
from contextlib import redirect_stderr, redirect_stdout
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
    "artifacts": ("artifacts",),
}


class Shown:
    """What each command shows of a worker's data folder when nothing is damaged."""

    def __init__(self, worker: Worker):
        self.worker = worker
        worker.before("end")
        self.right = self._now()
        errors = {name: text for name, (status, text) in self.right.items() if status}
        assert not errors, errors

    def wrong(self) -> str | None:
        """What a command shows now that is neither that nor one line of error."""
        for name, (status, text) in self._now().items():
            if [status, text] == self.right[name]:
                continue
            if status != 1 or not text.startswith("error: ") or text.count("\n") > 1:
                last = text.strip().splitlines()[-1:] or [""]
                return f"femtogpt {name} ended with status {status}: {last[0][:300]}"
        return None

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
