"""A damaged export: the command that writes it tells so in one line, or writes it as it was."""

from __future__ import annotations

import io
import random
import shutil
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from femtogpt.artifacts.disk import file_digest
from femtogpt.cli import main
from tests.faults.worker import Worker

FORMS = ("hf", "gguf")


def damaged(
    worker: Worker, draw: random.Random, damage: Callable[[Path], str]
) -> tuple[str, str | None]:
    """Export, damage a file and export again: what was done, what is wrong."""
    worker.before("end")
    form, folder = draw.choice(FORMS), worker.temporary / "exported"

    def export() -> list[Any]:
        return worker.in_child(lambda: _exported(worker.data, form, folder))

    right = export()
    assert right[0] == 0, right
    file = draw.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
    what = f"{form}/{file.name} {damage(file)}"
    now = export()
    if now != right:
        status, told, _ = now
        if status != 1 or not told.startswith("error: ") or str(folder) not in told:
            return what, f"femtogpt export ended with status {status}: {told[:300]}"
        shutil.rmtree(folder)
        now = export()
    return what, None if now == right else f"another export is another: {now}"


def _exported(data: Path, form: str, folder: Path) -> list[Any]:
    """The status, the last line if that is an error, and the checksums of what is there."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as errors:
        try:
            status = main(["export", form, "--data", str(data), "--to", str(folder)])
        except BaseException:
            return [3, traceback.format_exc(), {}]
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    last = (errors.getvalue().strip().splitlines() or [""])[-1]
    return [status, last if status else "", {path.name: file_digest(path) for path in files}]
