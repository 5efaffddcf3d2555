"""A damaged copy in MLflow of a run: it is refused in one line, before anything is written with it.

The copy is what a version of MLflow's registry refers to; the store around it is left out, since a
version is no file.
"""

from __future__ import annotations

import random
import shutil
import traceback
from collections.abc import Callable
from pathlib import Path

from femtogpt.artifacts.artifact import Artifact
from femtogpt.errors import UserError
from flows.serve import load
from tasks.mlflow_model import RUN_FILES, write_model
from tests.faults.worker import Worker

PROMPT, HOW = [{"prompt": "Жила"}], {"seed": 5, "tokens": 8}


class Copies:
    """A copy of a worker's run as MLflow has it, and what its model writes."""

    def __init__(self, worker: Worker):
        import mlflow.pyfunc  # noqa: F401  children are to have it

        self.worker, self.whole = worker, worker.folder / "copy"
        worker.before("end")
        run, tokens = (next(iter((worker.data / kind).iterdir())) for kind in ("run", "tokens"))
        self.whole.mkdir()
        write_model(self.whole, Artifact.load(run), tokens)
        for name in RUN_FILES:
            shutil.copy(run / name, self.whole)
        self.right = worker.in_child(lambda: loaded(self.whole))
        assert self.right[0] == 0, self.right

    def damaged(self, draw: random.Random, damage: Callable[[Path], str]) -> tuple[str, str | None]:
        """Damage a file of a copy and load it: what was done, what is wrong."""
        folder = self.worker.temporary / "run"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.whole, folder)
        file = draw.choice(sorted(path for path in folder.iterdir() if path.is_file()))
        what = f"MLflow's copy, {file.name} {damage(file)}"
        for how in (loaded, loaded_by_mlflow):
            status, told = self.worker.in_child(lambda how=how: how(folder))  # type: ignore[misc]
            if status == 0:
                return what, f"its model writes {told!r}"
            lines = told.splitlines()
            if how is loaded and (status != 1 or len(lines) != 1 or file.name not in told):
                return what, f"it is told with {told[-300:]!r}"
        return what, None


def loaded(folder: Path) -> list[object]:
    """0 and what the model of a copy writes as it is served; 1 and the line that refuses it."""
    try:
        return [0, load(str(folder)).predict(PROMPT, HOW)["text"][0]]
    except UserError as error:
        return [1, str(error)]
    except BaseException:
        return [3, traceback.format_exc()]


def loaded_by_mlflow(folder: Path) -> list[object]:
    """The same by MLflow alone, which reads a part of it before our code can look."""
    from mlflow.pyfunc import load_model

    try:
        return [0, load_model(str(folder)).predict(PROMPT, HOW)["text"][0]]
    except Exception as error:
        return [1, str(error)]
