"""Runs whose processes were killed: Prefect and MLflow say so, at once or when the next run begins.

A process that is killed cannot say it, and its records would say for ever that it runs. While a run
has something open, a note of it lies in its folder (see ``flows.run_folder``).
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from prefect import Flow, State
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, StateType
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings
from prefect.states import Crashed

from flows.console import RESUMES
from flows.run_folder import abandoned, forget, notes_beside
from flows.service_notes import read_note, running_process
from tasks import MLFLOW_NOTES, OPEN_RUNS_VARIABLE, PREFECT_NOTES
from tasks.mlflow_store import end_open_runs
from tasks.run_notes import read_notes, write_notes

KILLED = f"the run's process was killed: {RESUMES}"
ENDED = f"the run ended and could not say so: {RESUMES}"
RECORD_SECONDS = 6.0  # Prefect's server writes down every five seconds what it hears of tasks
UNFINISHED = [state for state in StateType if state not in TERMINAL_STATES]
SERVER = "flows.temporary_server"  # in the command of a temporary one
log = logging.getLogger("femtogpt.flows")


def note_flow_run(flow: Flow[..., Any], flow_run: FlowRun, state: State) -> None:
    """A hook of Prefect's: note a flow run that begins."""
    if folder := os.environ.get(OPEN_RUNS_VARIABLE):
        path = Path(folder) / PREFECT_NOTES
        with get_client(sync_client=True) as client:
            url = str(client.api_url)
        place = {"folder": str(path.parent.resolve()), "session": os.getsid(0)}
        note = {"flow_run": str(flow_run.id), "server": _server(), "url": url}
        write_notes(path, [*read_notes(path), {**note, **place}])


def end_runs(folder: Path) -> None:
    """End what a run has open whose process was killed just now; its session still lives.

    What Prefect's server does not take now is left to the next run.
    """
    try:
        if notes := read_notes(folder / PREFECT_NOTES):
            with temporary_settings({PREFECT_API_URL: notes[0]["url"]}):
                _end_flow_runs(notes, KILLED, RECORD_SECONDS)
        (folder / PREFECT_NOTES).unlink(missing_ok=True)
    except Exception as error:  # its temporary server may have been killed, too
        log.debug("Prefect was not told that a run was killed: %s", error)
    end_mlflow_runs(folder, KILLED)


def end_abandoned() -> None:
    """End what runs have open that were killed with their guards, or found no room to say more.

    Prefect's server is there.
    """
    for folder in abandoned():
        try:
            _end(folder, read_notes(folder / PREFECT_NOTES))
        except (ValueError, KeyError):  # damaged notes
            forget(folder)
        except Exception as error:  # whatever the network raises; the run itself goes on
            log.warning("Prefect was not told that an earlier run was killed: %s", error)


def _end(folder: Path, notes: Sequence[dict[str, Any]]) -> None:
    """End what a run has open, and forget it, if Prefect's server is the one that knows it."""
    if any(note["server"] != _server() for note in notes):
        return  # until a run has that server
    _end_flow_runs(notes, ENDED)
    for session in {note["session"] for note in notes}:
        _end_server(session)
    if not any(_is_copied(note, folder) for note in notes):
        end_mlflow_runs(folder, ENDED)
    forget(folder)


def end_mlflow_runs(folder: Path, reason: str) -> None:
    """End what a run has open in MLflow, unless another run goes on in it already."""
    others = notes_beside(folder, MLFLOW_NOTES)
    taken = {run["run_id"] for path in others for run in read_notes(path)}
    end_open_runs(folder / MLFLOW_NOTES, reason, taken)


def _end_flow_runs(notes: Sequence[dict[str, Any]], reason: str, wait: float = 0.0) -> None:
    """End flow runs and, after ``wait`` seconds, their tasks, unless they have ended."""
    if not notes:
        return
    with get_client(sync_client=True) as client:
        for note in notes:
            with suppress(ObjectNotFound):  # deleted since, or with the whole database
                state = client.read_flow_run(note["flow_run"]).state
                if state is None or not state.is_final():
                    crashed: State[Any] = Crashed(message=reason)
                    client.set_flow_run_state(note["flow_run"], crashed, force=True)
        time.sleep(wait)
        for task_run in _unfinished_tasks(client, notes):
            client.set_task_run_state(task_run.id, Crashed(message=reason), force=True)


def _unfinished_tasks(client: SyncPrefectClient, notes: Sequence[dict[str, Any]]) -> list[Any]:
    runs = FlowRunFilter(id=FlowRunFilterId(any_=[note["flow_run"] for note in notes]))
    states = TaskRunFilterState(type=TaskRunFilterStateType(any_=UNFINISHED))
    return client.read_task_runs(flow_run_filter=runs, task_run_filter=TaskRunFilter(state=states))


def _is_copied(note: dict[str, Any], folder: Path) -> bool:
    """Whether a note came here with a copied project: the run may go on where it was."""
    written = Path(note["folder"])
    return written != folder.resolve() and written.exists()


def _end_server(session: int) -> None:
    """End the temporary server that a killed run has left in its session; nothing else does."""
    if not psutil.pid_exists(session):  # of another process by now, if it exists
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if os.getsid(process.pid) == session and SERVER in process.cmdline():
                    process.kill()


def _server() -> str:
    """The address of a server that is not the project's own: that one has no fixed address."""
    url = get_current_settings().api.url or ""
    if running_process("prefect") and url == f"http://127.0.0.1:{read_note('prefect')['port']}/api":
        return ""
    return url
