"""Prefect flows: which tasks run, and in what order.

Importing this package sets defaults for Prefect, before Prefect reads its settings: its data are
kept in the project, it sends no telemetry, it takes the stages' log lines, and flows use the server
that ``make up`` started, or a temporary one if there is none. The environment overrides them all.
"""

import logging
import os

from femtogpt.sqlite_url import sqlite_url
from flows.service_notes import HOME, read_note, running_process
from tasks import MLFLOW_PAGES_VARIABLE

if running_process("prefect"):
    os.environ.setdefault("PREFECT_API_URL", f"http://127.0.0.1:{read_note('prefect')['port']}/api")
if running_process("mlflow"):
    os.environ.setdefault(MLFLOW_PAGES_VARIABLE, read_note("mlflow")["where"])

if "?" in str(HOME) and "PREFECT_API_DATABASE_CONNECTION_URL" not in os.environ:
    # Prefect's own address of its database would end at the question mark.
    _database = sqlite_url(HOME.absolute() / "prefect.db", driver="aiosqlite")
    os.environ.setdefault("PREFECT_SERVER_DATABASE_CONNECTION_URL", _database)

for _name, _value in {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "http://127.0.0.1",  # of a temporary one: no page
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "femtogpt",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "DO_NOT_TRACK": "true",
}.items():
    os.environ.setdefault(_name, _value)
logging.getLogger("femtogpt").setLevel(logging.INFO)
