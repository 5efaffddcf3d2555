"""The files of another commit, to train with today's or yesterday's build beside this tree.

An archive, not a git worktree, which would stay registered in the repository after a kill.
"""

from __future__ import annotations

import io
import os
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent


def full_hash(commit: str) -> str:
    """The full hash of what a commit is called: a branch, a tag, an abbreviation."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--verify", f"{commit}^{{commit}}"]
    found = subprocess.run(command, capture_output=True, text=True)
    if found.returncode:
        raise SystemExit(f"{commit} is no commit of this repository")
    return found.stdout.strip()


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """A folder with the library and the configurations of a commit."""
    with TemporaryDirectory() as folder:
        command = ["git", "-C", str(ROOT), "archive", "--format=zip", commit, "femtogpt", "conf"]
        archive = subprocess.run(command, check=True, capture_output=True).stdout
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            files.extractall(folder)
        yield Path(folder)


def environment(tree: Path) -> dict[str, str]:
    """The environment in which Python imports the code of ``tree``."""
    return {**os.environ, "PYTHONPATH": str(tree)}
