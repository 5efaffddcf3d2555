"""What Prefect's pages show of a run besides its states: reports, progress, samples, links.

Prefect calls these artifacts. If its server does not take one, the run goes on without.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from contextvars import copy_context
from typing import Any, TypeVar

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    update_progress_artifact,
)
from prefect.context import TaskRunContext

from femtogpt.artifacts.artifact import Artifact
from femtogpt.progress import Spacing
from tasks import MLFLOW_PAGES_VARIABLE

SHOW_SECONDS = 5.0  # between the first two looks at a progress
LABEL_WIDTH = 12  # characters of a label in the summary
T = TypeVar("T")
log = logging.getLogger("femtogpt.tasks")


def show_corpus(artifact: Artifact) -> None:
    """Show how many documents were read, kept and rejected, and what a person should know."""
    from femtogpt.corpus.corpus_warnings import corpus_warnings

    rows = [
        f"| {name.replace('_', ' ')} | {value:,} |"
        for name, value in artifact.counts.items()
        if isinstance(value, int | float)
    ]
    hint = "What each rule changed: `femtogpt corpus report --html report.html`"
    notes = [f"- {line}" for line in corpus_warnings(artifact)]
    text = "\n".join(["| corpus | |", "| --- | ---: |", *rows, "", *notes, "", hint])
    _show_markdown("corpus", text, str(artifact.path))


def show_samples(artifact: Artifact) -> None:
    """Show what the model wrote."""
    text = (artifact.path / "samples.md").read_text("utf-8")
    _show_markdown("samples", text, str(artifact.path))


def show_summary(artifact: Artifact) -> None:
    """Show the figures of the summary; the samples have a page of their own."""
    text = (artifact.path / "summary.txt").read_text("utf-8")
    figures = text.partition("\n\n")[0].splitlines()
    rows = [f"| {line[:LABEL_WIDTH].strip()} | {line[LABEL_WIDTH:]} |" for line in figures]
    _show_markdown("report", "\n".join(["| | |", "| --- | --- |", *rows]), str(artifact.path))


def show_mlflow_link(record: Mapping[str, str]) -> None:
    """Show a link to the MLflow run."""
    path = f"#/experiments/{record['experiment_id']}/runs/{record['run_id']}"
    local_pages = os.environ.get(MLFLOW_PAGES_VARIABLE, "http://127.0.0.1:5000")
    pages = record["uri"] if record["uri"].startswith("http") else local_pages
    link = f"{pages}/{path}?workflowType=machine_learning"  # MLflow has other pages for chats
    text = f"[{record['name']}]({link}) in MLflow (`make up` or `make ui` shows its pages)"
    _show_markdown("mlflow-run", text, record["name"])


class ProgressArtifact:
    """A progress bar with a note, created when it is first shown.

    The server is called in a thread, and not again before it has answered: a training does not
    wait for a server that is away. Each call leaves six rows in its database for a week, so calls
    are ever further apart.
    """

    def __init__(self, key: str):
        self.key = key
        self.spacing = Spacing(SHOW_SECONDS)
        self.id: Any = None
        self._thread: threading.Thread | None = None

    def show(self, share: float, note: str) -> None:
        """Show that ``share``, from 0 to 1, is done; may be called often."""
        is_busy = self._thread is not None and self._thread.is_alive()
        if not is_busy and (self.spacing.is_due() or share >= 1.0):
            context = copy_context()  # it tells Prefect which run this is
            self._thread = threading.Thread(
                target=context.run, args=(self._send, 100 * min(1.0, share), note), daemon=True
            )
            self._thread.start()

    def _send(self, percent: float, note: str) -> None:
        if (id := self.id) is None:
            self.id = _ask_server(
                lambda: create_progress_artifact(percent, key=self.key, description=note)
            )
        else:
            _ask_server(lambda: update_progress_artifact(id, percent, description=note))


def _show_markdown(key: str, markdown: str, description: str) -> None:
    _ask_server(lambda: create_markdown_artifact(markdown, key=key, description=description))


def _ask_server(request: Callable[[], T]) -> T | None:
    """What the server answers; None outside a run, and if it does not answer."""
    if TaskRunContext.get() is None:
        return None
    try:
        return request()
    except Exception as error:  # of any kind: not worth failing the run for
        log.debug("Prefect's server does not take an artifact: %s", error)
        return None
