"""MLflow's store: where it is, how a run is found or begun in it, and how one ends."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from femtogpt.artifacts.disk import explain_os_errors, write_atomic
from femtogpt.config_file import CONF
from femtogpt.errors import UserError
from tasks import OPEN_RUNS
from tasks.mlflow_metrics import InOneThread, briefly

PARENT = "mlflow.parentRunId"  # by this tag MLflow's pages put a run below another
log = logging.getLogger("femtogpt.tracking")


def uri_of(folder: Path) -> str:
    """The store in a folder, unless the environment names another."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(folder / 'mlflow.db').absolute()}"


def opened(
    uri: str,
    folder: Path,
    experiment: str,
    key: tuple[str, str],
    begin: Mapping[str, Any],
    params: Mapping[str, Any],
) -> tuple[Any, str]:
    """The client of a store, and the run with a tag (name, value) in an experiment.

    Where there is none it is begun, with ``params`` and what ``begin`` gives to MLflow's
    ``create_run``. Raises UserError where the store cannot be used.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    for noisy in ("alembic", "mlflow.store"):  # they tell each step of making the tables
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # A traceback of what it raises as well, which is told in a line.
    logging.getLogger("mlflow.store.db").setLevel(logging.CRITICAL)
    from mlflow import MlflowClient

    with explain_os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with usable(uri):
        client = InOneThread(partial(MlflowClient, tracking_uri=uri))
        known = _experiment(client, uri, folder, experiment)
        found = client.search_runs([known], f"tags.`{key[0]}` = '{key[1]}'", max_results=1)
        if found:
            return client, found[0].info.run_id
        tags = {**begin["tags"], key[0]: key[1], **_source()}
        run = client.create_run(known, **{**begin, "tags": tags})
        client.log_batch(run.info.run_id, params=as_params(params))
        return client, run.info.run_id


@contextlib.contextmanager
def usable(uri: str) -> Iterator[None]:
    """Say in one line, as a UserError, that MLflow's store does not take what it is told."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise UserError(
            f"MLflow's store {uri} cannot be used ({briefly(error)}): see that its folder has room"
            " and can be written and that no other program holds it, or choose another with"
            " paths.mlruns=…; the same again goes on from here"
        ) from error


def _experiment(client: Any, uri: str, folder: Path, name: str) -> str:
    if found := client.get_experiment_by_name(name):
        return found.experiment_id
    place = (folder / "artifacts").absolute().as_uri() if uri.startswith("sqlite:") else None
    kind = {"mlflow.experimentKind": "custom_model_development"}  # how MLflow's pages open
    return client.create_experiment(name, artifact_location=place, tags=kind)


def as_params(settings: Mapping[str, Any]) -> list:
    """Settings as MLflow's parameters."""
    from mlflow.entities import Param

    return [Param(name, str(value)) for name, value in settings.items()]


def keep_open(uri: str, run_id: str, is_open: bool = True) -> None:
    """Leave word of a run that is open, for who ends it if this process is killed; or take it back.

    In the file that the environment names: a line of JSON for each.
    """
    if not (place := os.environ.get(OPEN_RUNS)):
        return
    runs = [run for run in read_open(Path(place)) if run["run_id"] != run_id]
    runs += [{"uri": uri, "run_id": run_id}] if is_open else []
    write_atomic(Path(place), "".join(json.dumps(run) + "\n" for run in runs).encode())


def read_open(place: Path) -> list[dict[str, str]]:
    """The runs that are open."""
    return [json.loads(line) for line in place.read_text().splitlines()] if place.exists() else []


def end(client: Any, run_id: str, status: str, why: str = "") -> None:
    """Mark a run FINISHED, FAILED or KILLED, with the reason; never raises."""
    keep_open("", run_id, False)
    try:
        if why:
            client.set_tag(run_id, "femtogpt.ended", why)
        client.set_terminated(run_id, status)
    except Exception as error:  # the reason for ending must not be hidden by this one
        log.warning("MLflow was not told that the run ended as %s: %s", status, briefly(error))


def end_open(place: Path, why: str) -> None:
    """End the runs that a killed process has left open."""
    from mlflow import MlflowClient

    for run in read_open(place):
        end(MlflowClient(tracking_uri=run["uri"]), run["run_id"], "KILLED", why)


def now() -> int:
    """Milliseconds since 1970, as MLflow counts."""
    return round(time.time() * 1000)


def _source() -> dict[str, str]:
    """Tags that tell what made a run; MLflow's pages show the commit beside the name alone."""
    return {
        "mlflow.source.name": "femtogpt",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": _commit(),
    }


def _commit() -> str:
    """The project's git commit, or nothing where there is no git."""
    try:
        command = ["git", "-C", str(CONF), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
