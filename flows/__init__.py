"""Prefect flows: which tasks run, and in what order.

Importing this sets, where the person has not, how Prefect behaves here: its data lies under the
project, it reports nothing to its makers, the stages' own log lines go where its do, and flows
speak to the server that ``make up`` started, or to a temporary one if there is none.
"""

import json
import logging
import os
from pathlib import Path

import psutil

from tasks import MLFLOW

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.setdefault("PREFECT_HOME", str(ROOT / ".prefect")))


def noted(service: str) -> Path:
    """Where it is kept which process a service is (see ``flows.services``)."""
    return HOME / "services" / f"{service}.json"


def running(service: str) -> psutil.Process | None:
    """The process of a service that runs: the one of that id with that command."""
    try:
        about = json.loads(noted(service).read_text())
        process = psutil.Process(about["pid"])
        alive = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        return process if alive and process.cmdline() == about["command"] else None
    except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
        return None


if running("prefect"):
    _port = json.loads(noted("prefect").read_text())["port"]
    os.environ.setdefault("PREFECT_API_URL", f"http://127.0.0.1:{_port}/api")
if running("mlflow"):
    os.environ.setdefault(MLFLOW, json.loads(noted("mlflow").read_text())["where"])

for _name, _value in {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "femtogpt",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "DO_NOT_TRACK": "true",
}.items():
    os.environ.setdefault(_name, _value)
logging.getLogger("femtogpt").setLevel(logging.INFO)
