#!/usr/bin/env bash
# MLflow 3.17.2, a folder with mlflow.db and its artifacts beside it, copied; `mlflow gc` in the copy.
#
# Expected: garbage collection in the copy removes the deleted run's files from the copy.
# Seen: it removes them from the original, whose database still lists the run as deleted but
# restorable; the copy keeps its files, and its database no longer knows them.
# So: addresses in a copied or moved database have to be mended before anything is collected.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.17.2
cd "$folder"
MLFLOW_DISABLE_TELEMETRY=true "$folder/venv/bin/python" - <<'PYTHON'
import logging
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

logging.disable(logging.INFO)
from mlflow import MlflowClient

home = Path.cwd()
original, copy = home / "original", home / "copy"
original.mkdir()
client = MlflowClient(tracking_uri=f"sqlite:///{original}/mlflow.db")
experiment = client.create_experiment("novels", (original / "artifacts").as_uri())
run = client.create_run(experiment).info.run_id
client.log_text(run, "weights", "weights.txt")
client.delete_run(run)
shutil.copytree(original, copy)
store = f"sqlite:///{copy}/mlflow.db"
command = [sys.executable, "-m", "mlflow", "gc", "--backend-store-uri", store]
subprocess.run([*command, "--tracking-uri", store], check=True, capture_output=True)
left = [str(file.relative_to(home)) for file in sorted(home.glob("*/artifacts/**/weights.txt"))]
print("mlflow", version("mlflow"))
print("files left after gc in the copy:", left)
print("the original's database says:   ", client.get_run(run).info.lifecycle_stage)
assert len(left) == 1 and left[0].startswith("copy/"), "the original has lost its file"
client.restore_run(run)  # which it offers still
assert client.get_run(run).info.lifecycle_stage == "active"
PYTHON
