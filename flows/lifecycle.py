"""How every flow starts and ends: from its parameters to its state in Prefect and MLflow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from prefect import Flow, State, flow, runtime
from prefect.exceptions import TerminationSignal
from prefect.states import Cancelled

from femtogpt.artifacts.again import made_again, stages_in
from femtogpt.config import Config
from femtogpt.config_file import leaves, load_config
from femtogpt.errors import Stopped, is_interruption
from flows.console import RESUMES
from flows.killed_runs import note_flow_run
from flows.parameters import NO_CHANGES, Settings
from tasks import stages
from tasks.mlflow_run import MLflowRun

T = TypeVar("T")
NAME_LENGTH = 100  # characters of a run's name, at most
ARGUMENTS = """

    Args:
        config: A configuration's name in conf/, or the path of a YAML file.
        settings: What to change in it. A field that is left out keeps its value there, or its
            default if the configuration does not set it.
        archive: A copy of the Kaggle dataset on disk. Empty: it is downloaded.
        again: A stage to run even if it is up to date, such as train; separate several by commas.
"""


def configuration_flow(
    name: str, description: str, work: Callable[[Config, MLflowRun], T]
) -> Flow[..., T]:
    """A flow that does ``work`` for a configuration, some settings of which may be changed."""

    def start(
        config: str = "sample",
        settings: Settings = NO_CHANGES,
        archive: str = "",
        again: str = "",
    ) -> Any:
        return run_to_end(work, config, settings, archive, again)

    start.__doc__ = description + ARGUMENTS  # Prefect's form shows it
    return flow(name=name, flow_run_name=run_name, on_running=[note_flow_run])(start)


def run_name() -> str:
    """The name of a flow run: its configuration and what is changed in it."""
    parameters = runtime.flow_run.parameters
    changes = parameters.get("settings") or parameters.get("changes") or {}
    if isinstance(changes, Settings):
        changes = changes.model_dump(mode="json")
    listed = [f"{key}={value}" for key, value in leaves(changes) if not key.startswith("paths.")]
    configuration = parameters.get("config") or parameters.get("sweep")
    name = ", ".join([Path(str(configuration)).stem, *listed])
    return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…"


def run_to_end(
    work: Callable[[Config, MLflowRun], T],
    config: str,
    settings: Settings,
    archive: str,
    again: str = "",
) -> T | State:
    """Do a flow's work for a configuration, with its remote sources pinned to a version.

    Stopped by a signal or from Prefect's pages, the run is cancelled in Prefect and KILLED in
    MLflow, not failed.
    """
    changes = settings.model_dump(mode="json")
    pinned = stages.pin(load_config(config, archive=optional_path(archive), changes=changes))
    with made_again(stages_in(again)):
        mlflow_run = MLflowRun(pinned)
        try:
            result = work(pinned, mlflow_run)
            mlflow_run.end("FINISHED")
            return result
        except BaseException as error:
            return end_by_error(error, mlflow_run.end)


def optional_path(text: str) -> Path | None:
    """The path in a form's field; None if the field is empty."""
    return Path(text) if text else None


def end_by_error(error: BaseException, end_run: Callable[[str, str], None]) -> State:
    """End a run in MLflow, by ``end_run(status, reason)``, and return Prefect's state for it.

    Raises the error again unless it is a stop.
    """
    status, reason = outcome(error)
    end_run(status, reason)
    if status == "KILLED":
        return Cancelled(message=reason)
    raise error


def outcome(error: BaseException) -> tuple[str, str]:
    """MLflow's status for a run that ended by an error, KILLED (stopped) or FAILED, and why."""
    if isinstance(error, Stopped):
        return "KILLED", str(error)
    if isinstance(error, TerminationSignal) or is_interruption(error):
        return "KILLED", f"stopped: {RESUMES}"
    return "FAILED", str(error) or type(error).__name__
