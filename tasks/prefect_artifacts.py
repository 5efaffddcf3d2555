"""What Prefect's pages show of a run, beside its states: reports, progress, samples, links.

They are a help for the eye: where the server does not take one, the run goes on without.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    update_progress_artifact,
)
from prefect.context import TaskRunContext

from femtogpt.artifacts.artifact import Artifact
from tasks import MLFLOW

LABEL = 12  # characters of a label in the summary
log = logging.getLogger("femtogpt.tasks")


def corpus(artifact: Artifact) -> None:
    """Counts of the documents that were read, kept and rejected."""
    rows = [
        f"| {name.replace('_', ' ')} | {value:,} |"
        for name, value in artifact.counts.items()
        if isinstance(value, int | float)
    ]
    hint = "What each rule changed: `femtogpt corpus report --html report.html`"
    text = "\n".join(["| corpus | |", "| --- | ---: |", *rows, "", hint])
    _show("corpus", text, str(artifact.path))


def samples(artifact: Artifact) -> None:
    """What the model wrote."""
    _show("samples", (artifact.path / "samples.md").read_text("utf-8"), str(artifact.path))


def summary(artifact: Artifact) -> None:
    """The figures of the summary; the samples have a page of their own."""
    text = (artifact.path / "summary.txt").read_text("utf-8")
    figures = text.partition("\n\n")[0].splitlines()
    rows = [f"| {line[:LABEL].strip()} | {line[LABEL:]} |" for line in figures]
    _show("report", "\n".join(["| | |", "| --- | --- |", *rows]), str(artifact.path))


def run(record: dict[str, str]) -> None:
    """Where the MLflow run is seen."""
    path = f"#/experiments/{record['experiment_id']}/runs/{record['run_id']}"
    here = os.environ.get(MLFLOW, "http://127.0.0.1:5000")
    page = record["uri"] if record["uri"].startswith("http") else here
    link = f"{page}/{path}?workflowType=machine_learning"  # MLflow has other pages for chats
    text = f"[{record['name']}]({link}) in MLflow (`make up` or `make ui` shows its pages)"
    _show("mlflow-run", text, record["name"])


class Progress:
    """A bar with the losses so far; made with the first look.

    The server is told in a thread, and not again before it has answered: without a server, a
    training does not wait for it.
    """

    def __init__(self, key: str):
        self.key = key
        self.id: Any = None
        self._telling: threading.Thread | None = None

    def show(self, share: float, note: str) -> None:
        """``share`` of the whole that is done, from 0 to 1."""
        if self._telling is None or not self._telling.is_alive():
            own = copy_context()  # by which Prefect knows of which run this is
            self._telling = threading.Thread(
                target=own.run, args=(self._tell, share, note), daemon=True
            )
            self._telling.start()

    def _tell(self, share: float, note: str) -> None:
        about = {"progress": 100 * min(1.0, share), "description": note}
        if self.id is None:
            self.id = _asked(lambda: create_progress_artifact(key=self.key, **about))
        else:
            _asked(lambda: update_progress_artifact(self.id, **about))


def _show(key: str, markdown: str, description: str) -> None:
    _asked(lambda: create_markdown_artifact(markdown, key=key, description=description))


def _asked(ask: Callable[[], Any]) -> Any:
    """What the server answers; None outside of a run, and where it does not answer."""
    if TaskRunContext.get() is None:
        return None
    try:
        return ask()
    except Exception as error:  # of whatever kind: it is not worth the run
        log.debug("Prefect's server does not take an artifact: %s", error)
        return None
