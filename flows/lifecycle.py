"""What all flows share: from what they are started with to how they end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from prefect import Flow, State, flow, runtime
from prefect.exceptions import TerminationSignal
from prefect.states import Cancelled

from femtogpt.artifacts.again import made_again, stages_in
from femtogpt.config import Config
from femtogpt.config_file import leaves, load_config
from femtogpt.errors import Stopped
from flows.console import GOES_ON
from flows.parameters import NOTHING, Settings
from tasks import stages
from tasks.mlflow_run import Tracking

T = TypeVar("T")
NAME = 100  # characters of a run's name, at most
ARGUMENTS = """

    Args:
        config: A configuration's name in conf/, or the path of a YAML file.
        settings: What to change in it; a field that is left out stays as it is there, or has its
            default where the configuration does not name it.
        archive: A copy of the Kaggle dataset on disk; empty: it is downloaded.
        again: A stage to run though it is up to date, as train; several with commas between them.
"""


def flow_of(work: Callable[[Config], T], name: str, about: str) -> Flow:
    """A flow that does some work for a configuration, with what may be changed in it."""

    def started(
        config: str = "sample", settings: Settings = NOTHING, archive: str = "", again: str = ""
    ) -> T | State:
        return run(work, config, settings, archive, again)

    started.__doc__ = about + ARGUMENTS  # which Prefect's form shows
    return flow(name=name, flow_run_name=run_name)(started)


def run_name() -> str:
    """Of a run, beside the name of its flow: that of its configuration, and what is changed."""
    given = runtime.flow_run.parameters
    changes = given.get("settings") or given.get("changes") or {}
    if isinstance(changes, Settings):
        changes = changes.model_dump(mode="json")
    listed = [f"{key}={value}" for key, value in leaves(changes) if not key.startswith("paths.")]
    name = ", ".join([Path(str(given.get("config") or given.get("sweep"))).stem, *listed])
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"


def run(
    work: Callable[[Config], T], config: str, settings: Settings, archive: str, again: str = ""
) -> T | State:
    """Do a flow's work for a configuration.

    Its remote sources are fixed to a version first. Stopped by a signal or from Prefect's pages,
    it is cancelled, for Prefect as for MLflow, and not failed.
    """
    changes = settings.model_dump(mode="json")
    known = stages.pin(load_config(config, archive=path_of(archive), changes=changes))
    with made_again(stages_in(again)):
        tracking = Tracking.of(known)
        try:
            done = work(known)
            tracking.end("FINISHED")
            return done
        except BaseException as error:
            return ended(error, tracking.end)


def path_of(given: str) -> Path | None:
    """A path that a form's field names; None where it was left empty."""
    return Path(given) if given else None


def ended(error: BaseException, end: Callable[[str, str], None]) -> State:
    """Tell MLflow, by ``end(status, why)``, of a run's end; the state of one that was stopped.

    Raises the error where it was not.
    """
    status, why = outcome(error)
    end(status, why)
    if status == "KILLED":
        return Cancelled(message=why)
    raise error


def outcome(error: BaseException) -> tuple[str, str]:
    """How a run ended, in MLflow's terms, and why: KILLED where it was told to, or FAILED."""
    if isinstance(error, Stopped):
        return "KILLED", str(error)
    if isinstance(error, KeyboardInterrupt | TerminationSignal):
        return "KILLED", f"stopped: {GOES_ON}"
    return "FAILED", str(error) or type(error).__name__
