"""MLflow's store: where it is, how a run is found or created in it, and how a run ends."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from femtogpt.artifacts.disk import explain_os_errors
from femtogpt.config_file import CONF
from femtogpt.errors import UserError
from femtogpt.sqlite_url import sqlite_path, sqlite_url
from tasks import MLFLOW_NOTES, OPEN_RUNS_VARIABLE
from tasks.moved_store import ARTIFACTS, DATABASE, mend_addresses
from tasks.new_store import create_database
from tasks.run_notes import read_notes, write_notes

PARENT_TAG = "mlflow.parentRunId"  # MLflow's pages put a run below the one this tag names
log = logging.getLogger("femtogpt.tracking")


class SingleThreadClient:
    """An MLflow client whose methods run one after another in a thread of their own.

    Ctrl-C then interrupts the caller, who waits, and never a transaction, which would leave
    MLflow's database locked.
    """

    def __init__(self, make_client: Callable[[], Any]):
        self._thread = ThreadPoolExecutor(1, "mlflow")
        self._client = self._thread.submit(make_client).result()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)
        return lambda *args, **kwargs: self._thread.submit(method, *args, **kwargs).result()


def store_uri(folder: Path) -> str:
    """The URI of the store in ``folder``, unless MLFLOW_TRACKING_URI names another."""
    own = sqlite_url((folder / DATABASE).absolute())
    return os.environ.get("MLFLOW_TRACKING_URI") or own


def quieten() -> None:
    """Before MLflow is imported: have it send no telemetry, and say no more than it must.

    A server that is away it then asks for half a minute, not for four.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "4")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # of a run on a server
    # They log each step of creating the tables, and of writing a model.
    for noisy in ("alembic", "mlflow.store", "mlflow.pyfunc"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # It logs a traceback of what it raises; the UserError says it in one line.
    logging.getLogger("mlflow.store.db").setLevel(logging.CRITICAL)


def find_or_create_run(
    uri: str,
    folder: Path,
    experiment: str,
    tag: tuple[str, str],
    creation: Mapping[str, Any],
    params: Mapping[str, Any],
) -> tuple[Any, str]:
    """A client of the store, and the id of the run in ``experiment`` with ``tag`` (name, value).

    If there is none it is created, with ``params`` and with ``creation``, the arguments of MLflow's
    ``create_run``. Raises UserError if the store cannot be used.
    """
    quieten()
    from mlflow import MlflowClient

    with explain_os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with explain_store_errors(uri):
        if sqlite_path(uri) == (folder / DATABASE).absolute():
            create_database(folder)
            mend_addresses(folder)
        client = SingleThreadClient(partial(MlflowClient, tracking_uri=uri))
        experiment_id = _experiment_id(client, uri, folder, experiment)
        runs = client.search_runs([experiment_id], f"tags.`{tag[0]}` = '{tag[1]}'", max_results=1)
        if runs:
            return client, runs[0].info.run_id
        tags = {**creation["tags"], tag[0]: tag[1], **_source_tags()}
        run = client.create_run(experiment_id, **{**creation, "tags": tags})
        client.log_batch(run.info.run_id, params=to_params(params))
        return client, run.info.run_id


def open_parent_run(
    folder: Path, experiment: str, tag: tuple[str, str], name: str, params: Mapping[str, Any]
) -> tuple[Any, str]:
    """Go on in the run above others that has ``tag``, or create it; a client and the run's id.

    ``folder`` is ``paths.mlruns``. Raises UserError if the store cannot be used.
    """
    uri = store_uri(folder)
    creation = {"start_time": unix_milliseconds(), "run_name": name, "tags": {}}
    client, run_id = find_or_create_run(uri, folder, experiment, tag, creation, params)
    with explain_store_errors(uri):
        client.update_run(run_id, status="RUNNING")
    note_open_run(uri, run_id)
    return client, run_id


@contextlib.contextmanager
def explain_store_errors(uri: str) -> Iterator[None]:
    """Turn the refusals of MLflow's store into a UserError of one line."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except ValueError as error:
        if "interpolation" not in str(error):
            raise
        raise UserError(
            "MLflow cannot be used where the path of its own files has a percent sign: start with"
            " make, which finds a way round, or rename the folder"
        ) from error
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise UserError(
            f"MLflow's store {uri} cannot be used ({one_line(error)}): {store_advice(uri)};"
            " the same command goes on from here"
        ) from error


def store_advice(uri: str) -> str:
    """What to do about a store that refuses."""
    if sqlite_path(uri):
        return (
            "make sure that its folder has room and is writable and that no other program locks it,"
            " or choose another with paths.mlruns=…"
        )
    return (
        "make sure that its server runs and can be reached, or name another in MLFLOW_TRACKING_URI"
    )


def one_line(error: Exception) -> str:
    """An error's message in one line; of a database error, without the statement around it."""
    for candidate in (error, error.__cause__, error.__context__):
        error = getattr(candidate, "orig", None) or error  # where SQLAlchemy keeps the driver's
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _experiment_id(client: Any, uri: str, folder: Path, name: str) -> str:
    if experiment := client.get_experiment_by_name(name):
        if experiment.lifecycle_stage == "deleted":  # until mlflow gc its name stays taken
            client.restore_experiment(experiment.experiment_id)
            log.info("MLflow: the experiment «%s» was deleted: restored, with its runs", name)
        return experiment.experiment_id
    location = (folder / ARTIFACTS).absolute().as_uri() if sqlite_path(uri) else None
    tags = {"mlflow.experimentKind": "custom_model_development"}  # how MLflow's pages open
    return client.create_experiment(name, artifact_location=location, tags=tags)


def is_deleted(client: Any, run_id: str) -> bool:
    """Whether somebody has deleted a run since: it takes nothing any more."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(run_id).info.lifecycle_stage == "deleted"
    except MlflowException as error:  # mlflow gc has removed it
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return True
        raise


def to_params(settings: Mapping[str, Any]) -> list:
    """Settings as MLflow's parameters."""
    from mlflow.entities import Param

    return [Param(name, str(value)) for name, value in settings.items()]


def note_open_run(uri: str, run_id: str) -> None:
    """Note that a run is open (see ``tasks.run_notes``): its ``uri`` and ``run_id``."""
    _rewrite_open_runs(run_id, [{"uri": uri, "run_id": run_id}])


def _rewrite_open_runs(run_id: str, replacement: list[dict[str, str]]) -> None:
    if folder := os.environ.get(OPEN_RUNS_VARIABLE):
        path = Path(folder) / MLFLOW_NOTES
        others = [run for run in read_notes(path) if run["run_id"] != run_id]
        write_notes(path, [*others, *replacement])


def end_run(client: Any, run_id: str, status: str, reason: str = "") -> None:
    """Mark a run FINISHED, FAILED or KILLED. Never raises."""
    _rewrite_open_runs(run_id, [])
    try:
        if reason:
            client.set_tag(run_id, "femtogpt.ended", reason)
        client.set_terminated(run_id, status)
    except Exception as error:  # it must not hide why the run ends
        log.warning("MLflow could not mark the run %s: %s", status, one_line(error))


def end_open_runs(path: Path, reason: str, taken: Collection[str] = ()) -> None:
    """Mark the runs that a killed process left open as KILLED, except those ``taken`` by others.

    Never raises.
    """
    runs = [run for run in read_notes(path) if run["run_id"] not in taken]
    if not runs:
        return
    quieten()
    from mlflow import MlflowClient

    for run in runs:
        database = sqlite_path(run["uri"])
        if database and not database.exists():  # or MLflow would make a new one
            continue
        try:
            client = MlflowClient(tracking_uri=run["uri"])
            if client.get_run(run["run_id"]).info.status == "RUNNING":
                end_run(client, run["run_id"], "KILLED", reason)
        except Exception as error:  # whatever the store's database or network raises
            log.warning("MLflow was not told that a run was killed: %s", one_line(error))


def unix_milliseconds() -> int:
    """The time now, as MLflow counts it."""
    return round(time.time() * 1000)


def _source_tags() -> dict[str, str]:
    """Tags for what made a run. MLflow's pages show the commit only beside a source's name."""
    return {
        "mlflow.source.name": "femtogpt",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": _commit(),
    }


def _commit() -> str:
    """The project's git commit; empty if git or the repository is missing."""
    try:
        command = ["git", "-C", str(CONF), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
