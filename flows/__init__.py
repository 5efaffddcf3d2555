"""Prefect flows: which tasks run, and in what order.

Importing this sets, where the person has not, how Prefect behaves here: its data lies under the
project, it reports nothing to its makers, and the stages' own log lines go where its do.
"""

import os
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
for _name, _value in {
    "PREFECT_HOME": str(_ROOT / ".prefect"),
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "femtogpt",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "DO_NOT_TRACK": "true",
}.items():
    os.environ.setdefault(_name, _value)
