#!/usr/bin/env bash
# MLflow 3.17.2, a run deleted by itself, and later its whole experiment, which is then restored.
#
# Expected: restoring the experiment brings back what deleting it took away; a run that was deleted
# on its own before stays deleted.
# Seen: every run of the experiment is active again, the one deleted on its own too.
# So: whoever restores an experiment has to note beforehand which runs were deleted one by one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.17.2
cd "$folder"
MLFLOW_DISABLE_TELEMETRY=true "$folder/venv/bin/python" - <<'PYTHON'
import logging
from importlib.metadata import version

logging.disable(logging.INFO)
from mlflow import MlflowClient
from mlflow.entities import ViewType

client = MlflowClient(tracking_uri="sqlite:///mlflow.db")
experiment = client.create_experiment("novels")
names = {client.create_run(experiment).info.run_id: name for name in ("kept", "deleted alone")}
unwanted = next(run for run, name in names.items() if name == "deleted alone")


def stages():
    runs = client.search_runs([experiment], run_view_type=ViewType.ALL)
    return {names[run.info.run_id]: run.info.lifecycle_stage for run in runs}


client.delete_run(unwanted)
before = stages()
client.delete_experiment(experiment)
client.restore_experiment(experiment)
after = stages()
print("mlflow", version("mlflow"))
print("before the experiment was deleted:", before)
print("after it was restored:            ", after)
assert before == {"kept": "active", "deleted alone": "deleted"}
assert after == {"kept": "active", "deleted alone": "active"}, "the deleted run is back"
PYTHON
