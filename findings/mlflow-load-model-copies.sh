#!/usr/bin/env bash
# MLflow 3.17.2, a run's model on the same disk, loaded with `mlflow.pyfunc.load_model` as
# `runs:/ID/model` or as a registered version that was created with this as its source.
#
# Expected: the model is read where it lies, or a copy for the time of loading is cleared away.
# Seen: each load puts a copy of all of its files into a new temporary folder, which stays there when
# the process has ended: a service that loads it daily fills the disk. By the address of the same
# folder (file://...) it is read in place; `register_model` puts that in the place of runs:/.
# So: load and register a local model by the address of its files.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.17.2
cd "$folder"
MLFLOW_DISABLE_TELEMETRY=true MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR=false \
    "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import mlflow

home, temporary = Path.cwd(), Path("temporary")
temporary.mkdir()
os.environ["TMPDIR"] = str(temporary.resolve())
os.environ["MLFLOW_TRACKING_URI"] = database = f"sqlite:///{home}/mlflow.db"
mlflow.set_tracking_uri(database)
(home / "echo.py").write_text("""
import mlflow
class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input
mlflow.models.set_model(Echo())
""")
(home / "weights.bin").write_bytes(bytes(1_000_000))
mlflow.pyfunc.save_model(
    "saved",
    python_model="echo.py",
    artifacts={"weights": str(home / "weights.bin")},
    pip_requirements=[],
)
client = mlflow.MlflowClient()
experiment = client.create_experiment("novels", (home / "artifacts").as_uri())
run = client.create_run(experiment).info.run_id
client.log_artifacts(run, "saved", "model")
address = client.get_run(run).info.artifact_uri + "/model"
for name, source in {"by-run": f"runs:/{run}/model", "by-address": address}.items():
    client.create_registered_model(name)
    client.create_model_version(name, source, run)
LOAD = "import sys, mlflow; print(mlflow.pyfunc.load_model(sys.argv[1]).predict(['text']))"


def copies() -> int:
    return len(list(temporary.rglob("weights.bin")))


left = {}
for uri in (f"runs:/{run}/model", "models:/by-run/1", address, "models:/by-address/1"):
    before = copies()
    for _ in range(2):
        command = [sys.executable, "-W", "ignore", "-c", LOAD, uri]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
        assert answer.stdout.strip() == "['text']"
    left[uri] = copies() - before
print("mlflow", version("mlflow"), "copies that two processes left:")
for uri, count in left.items():
    print(count, uri.replace(run, "ID").replace(str(home), ""))
assert list(left.values()) == [2, 2, 0, 0]
PYTHON
